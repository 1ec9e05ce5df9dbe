import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startDockerRegistry } from './docker-registry.ts';
import { type Command, megabytes, type Row, run } from './measure.ts';
import { fill, setUpPeers } from './peers.ts';
import { type SlowLink, startSlowLink } from './slow-link.ts';

const BYTES = 100_000_000;
const NAME = 'bench/interrupted:1';

/** An image of one large layer, its fetch killed at 90 %: what the next one downloads. */
export async function benchInterrupted(directory: string): Promise<Row[]> {
  const registry = await startDockerRegistry(join(directory, 'interrupted-registry'));
  const link = await startSlowLink({ target: registry.host, roundTrip: 1, bitsPerSecond: 800e6 });
  try {
    await fill(registry.host, [{ name: NAME, layers: [{ bytes: BYTES, seed: 1 }] }]);
    const peers = setUpPeers(join(directory, 'interrupted'), link.host, [NAME]);
    const ours = await bytesAfterKill(link, peers.command);
    const theirs = await bytesAfterKill(link, peers.copyOf(NAME));
    peers.clear();
    return [
      {
        work: 'fetch of 100 MB killed at 90 %, bytes of the next run',
        against: 'skopeo copy',
        berth: megabytes(ours),
        peer: megabytes(theirs),
        ratio: ours / theirs,
        limit: 0.15,
      },
    ];
  } finally {
    await link.stop();
    await registry.stop();
  }
}

async function bytesAfterKill(link: SlowLink, command: Command): Promise<number> {
  const reached = link.passed(BYTES * 0.9);
  const child = spawn(command.program, [...command.words], {
    env: { ...process.env, ...command.environment },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await Promise.race([reached, ended]);
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  if (signal !== 'SIGKILL') throw new Error(`${command.program} ended before it was killed`);
  await link.bytes();
  await run(command);
  return link.bytes();
}
