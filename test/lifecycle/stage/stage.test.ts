import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { readRecords } from '../../../src/state/records.ts';
import {
  container,
  disownImages,
  type Machine,
  startMachine,
  writeRoot,
} from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';

const host = 'registry.example.com';
const image = (seed: number) =>
  buildImage({
    layers: [
      { bytes: 50_000, seed: 1 },
      { bytes: 20_000, seed },
    ],
  });

function ready(machine: Machine, id: string): Promise<number | null> {
  return machine.berth('verify', id, '--engine', 'store').then(({ code }) => code);
}

async function stage(machine: Machine, id: string, root: string) {
  return machine.berth('stage', '--engine', 'store', '--bind', 'all', '--id', id, root);
}

test('a root is staged, verified with the registry away, and let go', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  machine.registry.push('api:latest', image(3));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api`),
  });
  assert.equal(await ready(machine, 'os'), 3, 'nothing is staged yet');
  const staged = await stage(machine, 'os', root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.match(staged.stdout, /os is ready on store: 2 images/);
  await machine.registry.close();
  assert.equal(await ready(machine, 'os'), 0);
  assert.equal((await stage(machine, 'os', root)).code, 0, 'staged again without a registry');

  const released = await machine.berth('release', 'os', '--engine', 'store');
  assert.match(released.stdout, /2 pins dropped; 2 images that nobody else wants/);
  assert.equal(await ready(machine, 'os'), 3);
  const pruned = await machine.berth('prune', '--force', '--engine', 'store');
  assert.equal(pruned.code, 0, pruned.stderr);
  assert.deepEqual(readdirSync(join(machine.directory, 'state/store/blobs/sha256')), []);
  assert.deepEqual(readdirSync(join(machine.directory, 'state/roots')), []);
});

test('blobs that images share are planned and fetched once', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  machine.registry.push('api:1', image(3));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  const planned = await machine.berth(
    'plan',
    '--engine',
    'store',
    '--bind',
    'all',
    '--format',
    'json',
    '--id',
    'os',
    root,
  );
  const { bytes } = JSON.parse(planned.stdout) as { bytes: number };
  await stage(machine, 'os', root);
  const blobs = machine.registry.requests.filter(
    ({ method, path }) => method === 'GET' && path.includes('/blobs/'),
  );
  assert.equal(new Set(blobs.map(({ path }) => path.replace(/.*\//, ''))).size, blobs.length);
  const directory = join(machine.directory, 'state/store/blobs/sha256');
  const manifests = 2;
  assert.equal(readdirSync(directory).length, blobs.length + manifests);
  const sizes = blobs.map(({ path }) => readFileSync(join(directory, path.replace(/.*:/, ''))));
  assert.equal(
    sizes.reduce((sum, content) => sum + content.length, 0),
    bytes,
  );
});

test('a moved floating tag: the first root keeps its image and its name', async (t) => {
  const machine = await startMachine(t);
  const first = machine.registry.push('api:latest', image(2)).digest;
  const a = writeRoot(join(machine.directory, 'a'), container('api', `${host}/api:latest`));
  const b = writeRoot(join(machine.directory, 'b'), container('api', `${host}/api:latest`));
  assert.equal((await stage(machine, 'a', a)).code, 0);
  const second = machine.registry.push('api:latest', image(3)).digest;
  assert.equal((await stage(machine, 'b', b)).code, 0);
  assert.equal(await ready(machine, 'a'), 0);
  assert.equal(await ready(machine, 'b'), 0);
  assert.equal(named(machine, `${host}/api:latest`), first);
  assert.equal(named(machine, `${host}/api@${second}`), second);

  assert.equal((await machine.berth('release', 'a', '--engine', 'store')).code, 0);
  assert.equal(named(machine, `${host}/api:latest`), second, 'nobody else means the first');
  assert.equal((await machine.berth('prune', '--force', '--engine', 'store')).code, 0);
  assert.equal(await ready(machine, 'b'), 0, 'what b holds is still there');
});

function named(machine: Machine, name: string): string | undefined {
  const path = join(machine.directory, 'state/store/index.json');
  const index = JSON.parse(readFileSync(path, 'utf8')) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  return index.manifests.find(
    ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === name,
  )?.digest;
}

test('staging again keeps what a name with policy missing meant, and asks anew for newer', async (t) => {
  const machine = await startMachine(t);
  const first = machine.registry.push('api:latest', image(2)).digest;
  machine.registry.push('web:latest', image(4));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('api', `${host}/api:latest`),
    ...container('web', `${host}/web:latest`, 'Pull=newer\n'),
  });
  assert.equal((await stage(machine, 'os', root)).code, 0);
  machine.registry.push('api:latest', image(3));
  const newer = machine.registry.push('web:latest', image(5)).digest;
  assert.equal((await stage(machine, 'os', root)).code, 0);
  assert.equal(named(machine, `${host}/api:latest`), first);
  assert.equal(named(machine, `${host}/web:latest`), newer);
  const pruned = await machine.berth('prune', '--dry-run', '--format', 'json', '--engine', 'store');
  const { removed } = JSON.parse(pruned.stdout) as { removed: unknown[] };
  assert.equal(removed.length, 1, 'what web:latest meant before is let go');
});

test('a stage that fails keeps what it fetched, and what was staged before', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const a = writeRoot(join(machine.directory, 'a'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'a', a)).code, 0);

  machine.registry.push('good:1', image(3));
  const b = writeRoot(join(machine.directory, 'b'), {
    ...container('good', `${host}/good:1`),
    ...container('bad', `${host}/bad:1`),
  });
  const failed = await stage(machine, 'b', b);
  assert.equal(failed.code, 1, failed.stderr);
  assert.match(failed.stderr, /registry\.example\.com\/bad/);
  assert.equal(await ready(machine, 'a'), 0);
  assert.equal(await ready(machine, 'b'), 3);

  machine.registry.push('bad:1', image(4));
  const before = machine.registry.requests.length;
  assert.equal((await stage(machine, 'b', b)).code, 0);
  const again = machine.registry.requests
    .slice(before)
    .filter(({ path }) => path.includes('/good/blobs/'));
  assert.deepEqual(again, [], 'what the first try fetched is used');
  assert.equal(await ready(machine, 'b'), 0);
});

test('an image that a failed stage had fetched, and the next does not want, is left to prune', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const first = writeRoot(join(machine.directory, 'first'), {
    ...container('web', `${host}/web:1`),
    ...container('none', `${host}/none:1`),
  });
  assert.notEqual((await stage(machine, 'os', first)).code, 0);
  const record = () => readRecords(join(machine.directory, 'state')).byId.get('os');
  const fetched = record()?.pending?.images.map(({ id }) => id) ?? [];
  assert.equal(fetched.length, 1);
  machine.registry.push('web:1', image(3));
  const second = writeRoot(join(machine.directory, 'second'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'os', second)).code, 0);
  assert.deepEqual(
    record()?.released.map(({ id }) => id),
    fetched,
  );
});

test('with the registry away, a new root answers 5 and says whom it could not reach', async (t) => {
  const machine = await startMachine(t);
  await machine.registry.close();
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  const { code, stderr } = await stage(machine, 'os', root);
  assert.equal(code, 5, stderr);
  assert.match(stderr, /web/);
});

test('records that are deleted or damaged come back from the pins', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'os', root)).code, 0);
  const path = join(machine.directory, 'state/roots/os.json');
  // How much there once was to download is the one thing that pins don't say.
  const withoutSize = () =>
    JSON.parse(readFileSync(path, 'utf8').replace(/"size": \d+/, '"size": 0')) as unknown;
  const before = withoutSize();
  rmSync(path);
  assert.equal(await ready(machine, 'os'), 0, 'the pins tell');
  writeFileSync(path, '{');
  assert.equal((await stage(machine, 'os', root)).code, 0);
  assert.deepEqual(withoutSize(), before);
});

test('a pin that is lost is found out and healed', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'os', root)).code, 0);
  rmSync(join(machine.directory, 'state/store/pins'), { recursive: true });
  assert.equal(await ready(machine, 'os'), 3);
  assert.equal((await stage(machine, 'os', root)).code, 0);
  assert.equal(await ready(machine, 'os'), 0);
});

test('an image pulled for no root goes when nobody wants it, and not before', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const { digest } = machine.registry.push('tool:1', image(3));
  const bare = `${host}/bare@${machine.registry.push('bare:1', image(4)).digest}`;
  const berth = (...words: string[]) => machine.berth(...words, '--engine', 'store');
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  const pulled = [`${host}/web:1`, `${host}/tool:1`, `${host}/again@${digest}`, bare];
  machine.registry.push('again:1', image(3));
  assert.equal((await berth('pull', ...pulled)).code, 0);
  assert.equal((await stage(machine, 'os', root)).code, 0);
  assert.match((await berth('pins')).stdout, /for prune/);
  const shown = await berth('prune', '--dry-run', '--format', 'refs');
  assert.deepEqual(shown.stdout.trim().split('\n').sort(), [bare, `${host}/tool:1`]);
  assert.equal((await berth('prune', '--force')).code, 0);
  for (const gone of pulled.slice(1)) assert.ok(!named(machine, gone), gone);
  assert.ok(named(machine, `${host}/web:1`));
  assert.equal((await berth('release', 'os')).code, 0);
  assert.equal((await berth('prune', '--force')).code, 0);
  assert.ok(!named(machine, `${host}/web:1`));
});

test('an image that somebody put there is not removed, whatever berth makes of it', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await machine.berth('pull', '--engine', 'store', `${host}/web:1`)).code, 0);
  disownImages(machine);
  assert.equal((await stage(machine, 'os', root)).code, 0);
  assert.equal((await machine.berth('pull', '--engine', 'store', `${host}/web:1`)).code, 0);
  assert.equal((await machine.berth('release', 'os', '--engine', 'store')).code, 0);
  assert.equal((await machine.berth('prune', '--force', '--engine', 'store')).code, 0);
  assert.ok(named(machine, `${host}/web:1`));
});

test('an image that somebody put there stays theirs when they take their name away', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const { digest } = machine.registry.push('other:1', image(2));
  const other = `${host}/other@${digest}`;
  const berth = (...words: string[]) => machine.berth(...words, '--engine', 'store');
  await berth('pull', `${host}/web:1`);
  disownImages(machine);
  await berth('pull', other);
  const path = join(machine.directory, 'state/store/index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  const isOther = (of: object) => JSON.stringify(of).includes(`${host}/other`);
  writeFileSync(path, JSON.stringify({ ...index, manifests: index.manifests.filter(isOther) }));
  assert.equal((await berth('prune', '--force')).code, 0);
  assert.ok(named(machine, other));
});

test('a problem on a bound unit keeps the root from being ready; on another it is a word', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const files = {
    ...container('web', `${host}/web:1`),
    ...container('host', `${host}/app:%H`, '[X-Berth]\nBind=no\n'),
  };
  const root = writeRoot(join(machine.directory, 'os'), files);
  assert.equal((await stage(machine, 'os', root)).code, 0);
  const other = writeRoot(join(machine.directory, 'other'), {
    ...files,
    ...container('host', `${host}/app:%H`),
  });
  const { code, stderr } = await stage(machine, 'other', other);
  assert.equal(code, 3, stderr);
  assert.match(stderr, /host\.container:2/);
  assert.equal(await ready(machine, 'other'), 3);
});

test('an image that a changed tree needs no more is let go after the new one is pinned', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  machine.registry.push('web:2', image(3));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await stage(machine, 'os', root)).code, 0);
  writeRoot(root, container('web', `${host}/web:2`));
  assert.equal((await stage(machine, 'os', root)).code, 0);
  const pins = await machine.berth('pins', '--format', 'refs', '--engine', 'store');
  assert.equal(pins.stdout, `${host}/web:2\n`);
  assert.equal((await machine.berth('prune', '--force', '--engine', 'store')).code, 0);
  assert.equal(named(machine, `${host}/web:1`), undefined);
  assert.equal(await ready(machine, 'os'), 0);
});

test('two stages at once don’t hurt each other', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  machine.registry.push('api:1', image(3));
  const a = writeRoot(join(machine.directory, 'a'), container('web', `${host}/web:1`));
  const b = writeRoot(join(machine.directory, 'b'), {
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  const both = await Promise.all([stage(machine, 'a', a), stage(machine, 'b', b)]);
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
    both.map((o) => o.stderr).join(''),
  );
  assert.equal(await ready(machine, 'a'), 0);
  assert.equal(await ready(machine, 'b'), 0);
});

test('one name for two platforms is a problem, not a guess', async (t) => {
  const machine = await startMachine(t);
  const platforms = ['linux/amd64', 'linux/arm64'];
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }], platforms }));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('web', `${host}/web:1`),
    'usr/share/containers/systemd/other.image': `[Image]\nImage=${host}/web:1\nPolicy=missing\nArch=${
      process.arch === 'arm64' ? 'x86_64' : 'aarch64'
    }\n`,
  });
  const { code, stderr } = await stage(machine, 'os', root);
  assert.equal(code, 3, stderr);
  assert.match(stderr, /problem .*other\.image:2: other-image\.service wants/);
});
