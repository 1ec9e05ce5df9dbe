import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { openRegistry } from '../../../src/registry/client.ts';
import { TIMEOUTS } from '../../../src/registry/http/body.ts';
import { buildImage } from '../../support/image-builder.ts';
import { policyFilesBy } from '../../support/policy-files.ts';

/**
 * Run by far.peer.test.ts in network and mount namespaces of its own: as the registry in a further namespace, or
 * as its client, which writes how each name was reached.
 */
const [, , part = ''] = process.argv;
const image = buildImage({ layers: [{ files: { a: 'b' } }] });
const FAR = '10.9.0.2';
/** Of this network, with an address of hardware that nobody has. */
const BLACK_HOLE = '10.9.0.9';
const NO_ROUTE = 'fd09::2';

/** In milliseconds: each way. */
const LATE = 200;

const ip = (...words: readonly string[]) => execFileSync('ip', words);

async function serve(): Promise<void> {
  createServer((_, response) => {
    const { mediaType, content } = image.top;
    response.writeHead(200, { 'content-type': mediaType }).end(content);
  }).listen(5000, FAR, () => console.log('ready'));
}

/** A process in a network namespace, when it says that it is ready. */
async function inside(name: string, ...words: readonly string[]): Promise<ChildProcess> {
  const child = spawn('ip', ['netns', 'exec', name, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

/** This namespace, a relay that is late, and the far host. */
async function makeLink(): Promise<readonly ChildProcess[]> {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/etc']);
  for (const name of ['relay', 'far']) ip('netns', 'add', name);
  for (const [near, other, where] of [
    ['here', 'left', 'relay'],
    ['right', 'there', 'far'],
  ] as const) {
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', other);
    ip('link', 'set', other, 'netns', where);
  }
  ip('link', 'set', 'right', 'netns', 'relay');
  for (const side of ['left', 'right']) ip('-n', 'relay', 'link', 'set', side, 'up');
  ip('-n', 'far', 'address', 'add', `${FAR}/24`, 'dev', 'there');
  ip('-n', 'far', 'link', 'set', 'there', 'up');
  ip('address', 'add', '10.9.0.1/24', 'dev', 'here');
  ip('link', 'set', 'here', 'up');
  ip('neighbour', 'add', BLACK_HOLE, 'lladdr', '02:00:00:00:00:99', 'dev', 'here');
  const relay = join(import.meta.dirname, 'relay.py');
  execFileSync('python3', [relay, 'whole', 'here']);
  ip('netns', 'exec', 'far', 'python3', relay, 'whole', 'there');
  return [
    await inside('relay', 'python3', relay, 'left', 'right', `${LATE}`),
    await inside('far', process.execPath, import.meta.filename, 'serve'),
  ];
}

/** The reply, or the reason why there is none, and the milliseconds that it took. */
async function reach(addresses: readonly string[]): Promise<{ found: string; took: number }> {
  const lines = addresses.map((address) => `${address} far.example\n`);
  writeFileSync('/etc/hosts', lines.join(''));
  const location = 'far.example:5000';
  const rule = { prefix: location, location, insecure: true, blocked: false, mirrors: [] };
  const registry = openRegistry({
    conf: { rules: [rule] },
    credentials: async () => undefined,
    policyFiles: policyFilesBy('insecureAcceptAnything'),
    timeouts: { ...TIMEOUTS, connect: 3000 },
  });
  const begun = performance.now();
  try {
    const platform = { os: 'linux', architecture: 'amd64' };
    const { digest } = await registry.resolve(`${location}/app:1`, platform, {});
    return {
      found: digest === image.top.digest ? 'the image' : digest,
      took: performance.now() - begun,
    };
  } catch (error) {
    return { found: String(error), took: performance.now() - begun };
  } finally {
    registry.close();
  }
}

async function ask(): Promise<void> {
  const children = await makeLink();
  writeFileSync('/etc/nsswitch.conf', 'hosts: files\n');
  // A name may have several lines.
  writeFileSync('/etc/host.conf', 'multi on\n');
  const found: Record<string, unknown> = {};
  for (const [what, addresses] of [
    ['far alone', [FAR]],
    ['far, then none', [FAR, NO_ROUTE]],
    ['none, then far', [NO_ROUTE, FAR]],
    ['black hole, then far', [BLACK_HOLE, FAR]],
    ['far, then black hole', [FAR, BLACK_HOLE]],
    ['nobody', [BLACK_HOLE, NO_ROUTE]],
  ] as const) {
    found[what] = await reach(addresses);
  }
  for (const child of children) child.kill('SIGKILL');
  process.stdout.write(JSON.stringify(found));
}

await (part === 'serve' ? serve() : ask());
