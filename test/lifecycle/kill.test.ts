import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';
const IMAGES = 4;

/** Stages and kills at the given event of its progress. @returns whether it came to its end. */
async function stageAndKill(machine: Machine, root: string, event: number): Promise<boolean> {
  const words = ['stage', '--engine', 'store', '--bind', 'all', '--id', 'b', '--progress', 'json'];
  const child = spawn(process.execPath, [main, ...words, root], {
    env: machine.environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(child, 'close');
  let events = 0;
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith('{') && ++events === event) child.kill('SIGKILL');
  }
  await closed;
  return child.signalCode === null;
}

test('a stage that is killed at any event leaves the other root ready, and the next converges', async (t) => {
  const machine = await startMachine(t);
  const names = Array.from({ length: IMAGES }, (_, i) => `app${i}:latest`);
  const push = (generation: number) => {
    for (const [i, name] of names.entries()) {
      const layers = [
        { bytes: 200_000, seed: 1 },
        { bytes: 300_000, seed: generation * 100 + i },
      ];
      machine.registry.push(name, buildImage({ layers }));
    }
  };
  const units = Object.assign({}, ...names.map((n, i) => container(`app${i}`, `${host}/${n}`)));
  const a = writeRoot(join(machine.directory, 'a'), units);
  const b = writeRoot(join(machine.directory, 'b'), units);
  const verify = async (id: string) =>
    (await machine.berth('verify', '--engine', 'store', id)).code;
  push(1);
  const words = ['stage', '--engine', 'store', '--bind', 'all'];
  assert.equal((await machine.berth(...words, '--id', 'a', a)).code, 0);
  push(2);
  let kills = 0;
  for (let event = 1; ; event += 3) {
    assert.ok(event < 200, 'the stage comes to its end at last');
    if (await stageAndKill(machine, b, event)) break;
    kills++;
    assert.equal(await verify('a'), 0, `a, after a kill at event ${event}`);
    assert.equal(await verify('b'), 3, `b, after a kill at event ${event}`);
  }
  assert.ok(kills >= 3, `killed ${kills} times`);
  assert.equal(await verify('a'), 0);
  assert.equal(await verify('b'), 0);
  const asked = machine.registry.requests.filter((r) => r.path.includes('/blobs/'));
  const fetched = asked.map(({ path }) => path.replace(/.*\//, ''));
  // A blob that was under way when its process was killed comes again, one that was whole does not.
  assert.ok(fetched.length <= new Set(fetched).size + kills * IMAGES);
  await machine.berth('release', '--engine', 'store', 'a');
  await machine.berth('release', '--engine', 'store', 'b');
  await machine.berth('prune', '--engine', 'store', '--force');
  assert.equal((await machine.berth('pins', '--engine', 'store')).stdout, '');
  const blobs = readdirSync(join(machine.directory, 'state/store/blobs/sha256'));
  assert.deepEqual(blobs, [], 'all that came is known to be berth’s');
});
