import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { found } from './found.ts';

/** The images and the codes of the problems of services that each start the script at a path. */
async function startedBy(t: TestContext, paths: readonly string[], tree: Record<string, string>) {
  const services = paths.map((path, at) => [`s${at}.service`, `ExecStart=${path}`] as const);
  const { references, problems } = await found(t, Object.fromEntries(services), { tree });
  return [...references.map(({ image }) => image), ...problems.map(({ code }) => code)];
}

const script = (length: number) =>
  `#!/bin/sh\n${'# a comment of a script that is long\n'.repeat(length / 37)}podman run q.io/a:1\n`;

test('a script is followed up to 128 KiB', async (t) => {
  const [short, long] = [script(120 * 1024), script(130 * 1024)];
  assert.deepEqual(await startedBy(t, ['/bin/s'], { '/bin/s': short }), ['q.io/a:1']);
  assert.deepEqual(await startedBy(t, ['/bin/s'], { '/bin/s': long }), ['shell']);
});

test('scripts of more than 32 MiB together are a problem of each service', async (t) => {
  const paths = Array.from({ length: 34 }, (_, at) => `/bin/s${at}`);
  const links = Object.fromEntries(paths.slice(1).map((path) => [path, '-> s0']));
  const tree = { ...links, '/bin/s0': script(1020 * 1024) };
  const codes = await startedBy(t, paths, tree);
  assert.equal(codes.length, paths.length);
  assert.deepEqual(new Set(codes), new Set(['shell', 'too-large']));
});

test('a script that many services start is followed for so many that berth ends soon', async (t) => {
  const paths = Array.from({ length: 80 }, () => '/bin/s');
  const codes = await startedBy(t, paths, { '/bin/s': script(120 * 1024) });
  assert.equal(codes.length, paths.length);
  assert.ok(codes.includes('q.io/a:1') && codes.includes('too-large'), codes.join());
});

test('scripts that call each other in loops are followed for so many commands that berth ends soon', async (t) => {
  const numbers = Array.from({ length: 150 }, (_, at) => at).join(' ');
  const inner = `#!/bin/sh\nfor i in ${numbers}; do podman run q.io/a:1; done\n`;
  const outer = `#!/bin/sh\nfor i in ${numbers}; do for j in 1 2 3 4 5 6 7 8 9; do /bin/b; done; done\n`;
  const codes = await startedBy(t, ['/bin/a'], { '/bin/a': outer, '/bin/b': inner });
  assert.ok(codes.includes('too-large'), codes.at(-1));
  assert.ok(codes.length < 150_000, String(codes.length));
});

test('scripts that call each other are followed eight deep, and then named', async (t) => {
  const chain = (length: number) =>
    Object.fromEntries(
      Array.from({ length }, (_, at) => [
        `/opt/s${at}.sh`,
        `#!/bin/sh\n${at === length - 1 ? 'podman run q.io/a:1' : `/opt/s${at + 1}.sh`}\n`,
      ]),
    );
  assert.deepEqual(await startedBy(t, ['/opt/s0.sh'], chain(8)), ['q.io/a:1']);
  assert.deepEqual(await startedBy(t, ['/opt/s0.sh'], chain(9)), ['shell']);
});
