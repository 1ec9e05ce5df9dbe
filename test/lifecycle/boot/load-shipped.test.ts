import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import * as v from 'valibot';
import * as schemas from '../../../src/documents/schemas.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import { dockerArchive } from '../../support/archives.ts';
import {
  container,
  disownImages,
  type Machine,
  startMachine,
  writeRoot,
} from '../../support/berth.ts';
import { firstBoot, noNetwork } from '../../support/first-boot.ts';
import { buildImage } from '../../support/image-builder.ts';
import { writeLayout } from '../../support/oci-layout.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { writeTree } from '../../support/tree.ts';

const host = 'registry.example.com';
const image = (seed: number) =>
  buildImage({ layers: [{ bytes: 20_000, seed }], platforms: ['linux/amd64', 'linux/arm64'] });
const bind = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
const STORE = 'usr/lib/berth/store';

interface Built {
  readonly machine: Machine;
  readonly root: string;
}

/** A root that ships what its two units name: one that pulls anew, and one that never does. */
async function buildRoot(t: TestContext): Promise<Built> {
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(1));
  machine.registry.push('api:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), {
    ...bind,
    ...container('web', `${host}/web:1`, 'Pull=newer\n'),
    ...container('api', `${host}/api:1`, 'Pull=never\n'),
  });
  const { code, stderr } = await machine.berth('ship', root);
  assert.equal(code, 0, stderr);
  return { machine, root };
}

function blobs(root: string): string[] {
  return readdirSync(join(root, STORE, 'blobs/sha256')).sort();
}

test('a plan counts nothing to download of what the root ships', async (t) => {
  const { machine, root } = await buildRoot(t);
  const words = ['plan', '--engine', 'store', '--format', 'json', root];
  const { stdout } = await machine.berth(...words);
  const plan = v.parse(schemas.Plan, JSON.parse(stdout));
  assert.equal(plan.bytes, 0);
  for (const { bytes, loads } of plan.images) assert.deepEqual([bytes, loads > 20_000], [0, true]);
});

test('a first boot runs on what the root ships, as if it had been staged', async (t) => {
  const { machine, root } = await buildRoot(t);
  const { load, findings, record, engine } = firstBoot(join(machine.directory, 'host'));
  const staged = await load(root);
  assert.deepEqual([staged?.plan.failures, staged?.failures, staged?.findings], [[], [], []]);
  assert.deepEqual(await findings(), []);
  const shown = await machine.berth('plan', '--engine', 'store', root);
  assert.match(shown.stdout, /web:1 .* load 20\.\d kB/);
  assert.match(shown.stdout, /: 0 B to fetch;/);
  const online = await machine.berth('plan', '--engine', 'store', '--format', 'json', root);
  const planned: { images: { names: { name: string; digest: string }[] }[] } = JSON.parse(
    online.stdout,
  );
  const names = (images: typeof planned.images) =>
    images.flatMap((of) => of.names.map(({ name, digest }) => `${name} ${digest}`)).sort();
  assert.deepEqual(names((await record())?.staged?.images ?? []), names(planned.images));
  const images = await engine.images();
  assert.deepEqual(images.flatMap((of) => of.names).sort(), [`${host}/api:1`, `${host}/web:1`]);
  assert.equal(await load(root), undefined, 'nothing is left to do');
});

test('an image of the record that is gone comes back by the digest of the record', async (t) => {
  const { machine, root } = await buildRoot(t);
  const { load, findings, record, engine } = firstBoot(join(machine.directory, 'host'));
  await load(root);
  const before = await record();
  const [gone] = before?.staged?.images ?? [];
  await engine.unpin(await engine.pins());
  assert.ok(gone !== undefined && (await engine.remove(gone.id)));
  assert.notDeepEqual(await findings(), []);
  assert.deepEqual((await load(root))?.findings, []);
  assert.deepEqual(await findings(), []);
  assert.deepEqual((await record())?.staged?.images, before?.staged?.images);
});

test('an image that was recorded over a network is never exchanged for a shipped one', async (t) => {
  const { machine, root } = await buildRoot(t);
  const directory = join(machine.directory, 'host');
  const { load, record, engine } = firstBoot(directory);
  const { digest } = machine.registry.push('web:1', image(3));
  const online = ['--engine', 'store', '--state-dir', join(directory, 'state'), '--id', 'os'];
  assert.equal((await machine.berth('stage', ...online, root)).code, 0);
  const before = await record();
  await engine.unpin(await engine.pins());
  for (const { id } of await engine.images()) assert.ok(await engine.remove(id));
  const failures = (await load(root))?.plan.failures ?? [];
  assert.deepEqual(
    failures.map(({ error }) => error.message),
    [`${host}/web@${digest} is not among the images that the root ships`],
  );
  assert.deepEqual((await record())?.staged, before?.staged);
});

test('a root that names an image which it does not ship is loaded as far as it goes', async (t) => {
  const { machine, root } = await buildRoot(t);
  writeRoot(root, container('other', `${host}/other:1`));
  const { load, findings, record } = firstBoot(join(machine.directory, 'host'));
  const staged = await load(root);
  const [failure, ...more] = staged?.plan.failures ?? [];
  assert.deepEqual([failure?.error.code, more], ['not-found', []]);
  assert.match(failure?.error.message ?? '', /other:1 is not among the images that the root ships/);
  assert.match(failure?.error.hint ?? '', /berth ship/);
  const pending = (await record())?.pending;
  assert.deepEqual([pending?.images.length, pending?.unresolved], [2, [`${host}/other:1`]]);
  assert.notDeepEqual(await findings(), []);
});

test('staging over a network downloads nothing that the root ships', async (t) => {
  const { machine, root } = await buildRoot(t);
  const stage = () =>
    machine.berth('stage', '--engine', 'store', '--format', 'refs', '--id', 'os', root);
  await t.test('a name that is resolved anew is asked for, and read from the root', async () => {
    machine.registry.requests.length = 0;
    const { code, stderr } = await stage();
    assert.equal(code, 0, stderr);
    const paths = machine.registry.requests.map(({ path }) => path);
    assert.ok(
      paths.length > 0 && paths.every((path) => path.includes('/web/manifests/')),
      paths.join(' '),
    );
  });
  await t.test('one that has moved is fetched', async () => {
    const { digest } = machine.registry.push('web:1', image(3));
    assert.ok((await stage()).stdout.includes(digest));
  });
  await t.test('with the registry away, what is shipped will do', async () => {
    machine.registry.fault = () => ({ status: 503 });
    const away = ['stage', '--engine', 'store', '--id', 'again', root] as const;
    assert.equal((await machine.berth(...away)).code, 0);
  });
});

test('berth ship', async (t) => {
  const { machine, root } = await buildRoot(t);
  await t.test('leaves a plain layout of exactly what is bound, the same each time', async () => {
    assert.deepEqual(readdirSync(join(root, STORE)).sort(), ['blobs', 'index.json', 'oci-layout']);
    const before = [readFileSync(join(root, STORE, 'index.json'), 'utf8'), blobs(root)];
    assert.doesNotMatch(before[0]?.toString() ?? '', /io\.berth\.fetched/, 'of the store alone');
    machine.registry.requests.length = 0;
    assert.equal((await machine.berth('ship', root)).code, 0);
    const downloads = machine.registry.requests.filter(({ path }) => path.includes('/blobs/'));
    assert.deepEqual(downloads, [], 'what the root ships already does not come again');
    assert.deepEqual([readFileSync(join(root, STORE, 'index.json'), 'utf8'), blobs(root)], before);
  });
  await t.test('keeps what was there when a name can’t be fetched', async () => {
    const before = blobs(root);
    writeRoot(root, container('gone', `${host}/gone:1`));
    const { code, stderr, stdout } = await machine.berth('ship', '--format', 'json', root);
    assert.equal(code, 1, stderr);
    assert.equal(v.parse(schemas.ShipResult, JSON.parse(stdout)).written, false);
    assert.deepEqual(blobs(root), before);
    assert.deepEqual(readdirSync(join(root, 'usr/lib/berth')).sort(), ['berth.toml', 'store']);
    rmSync(join(root, 'usr/share/containers/systemd/gone.container'));
  });
  await t.test('takes of a locked name the image of the lock', async () => {
    assert.equal((await machine.berth('lock', root)).code, 0);
    const before = blobs(root);
    machine.registry.push('web:1', image(4));
    assert.equal((await machine.berth('ship', root)).code, 0);
    assert.deepEqual(blobs(root), before);
    rmSync(join(root, 'usr/lib/berth/lock.json'));
    assert.equal((await machine.berth('ship', root)).code, 0);
    assert.notDeepEqual(blobs(root), before);
  });
  await t.test('mends a layout that is damaged', async () => {
    writeFileSync(join(root, STORE, 'index.json'), 'no JSON');
    assert.equal((await machine.berth('ship', root)).code, 0);
    const { load } = firstBoot(join(machine.directory, 'mended'));
    assert.deepEqual((await load(root))?.findings, []);
  });
  await t.test('downloads anew what is damaged, and no more', async () => {
    const before = blobs(root);
    const sizes = before.map((blob) => statSync(join(root, STORE, 'blobs/sha256', blob)).size);
    const [layer = ''] = before.filter((_, i) => (sizes[i] ?? 0) > 20_000);
    const path = join(root, STORE, 'blobs/sha256', layer);
    const content = readFileSync(path);
    writeFileSync(path, Buffer.concat([content.subarray(1), content.subarray(0, 1)]));
    machine.registry.requests.length = 0;
    assert.equal((await machine.berth('ship', root)).code, 0);
    const downloads = machine.registry.requests.filter(({ path: of }) => of.includes('/blobs/'));
    assert.deepEqual(
      downloads.map(({ path: of }) => of.slice(-64)),
      [layer],
    );
    assert.deepEqual(blobs(root), before);
    assert.deepEqual(readFileSync(path), content);
  });
  await t.test('writes nothing behind a link that leads out of the root', async () => {
    const outside = join(machine.directory, 'outside');
    mkdirSync(join(outside, 'store'), { recursive: true });
    rmSync(join(root, STORE), { recursive: true });
    symlinkSync(join(outside, 'store'), join(root, STORE));
    assert.equal((await machine.berth('ship', root)).code, 0);
    assert.deepEqual(readdirSync(join(outside, 'store')), []);
    renameSync(join(root, 'usr/lib/berth'), join(outside, 'berth'));
    symlinkSync(join(outside, 'berth'), join(root, 'usr/lib/berth'));
    const { code, stderr } = await machine.berth('ship', '--bind', 'all', root);
    assert.equal(code, 1);
    assert.match(stderr, /expected a directory at \/usr\/lib\/berth in the root, found a link/);
  });
  await t.test('removes the layout when nothing is bound any more', async () => {
    const bare = writeRoot(join(machine.directory, 'bare'), container('web', `${host}/web:1`));
    assert.equal((await machine.berth('ship', '--bind', 'all', bare)).code, 0);
    assert.ok(existsSync(join(bare, STORE)));
    assert.equal((await machine.berth('ship', bare)).code, 0);
    assert.ok(!existsSync(join(bare, STORE)));
    rmSync(join(bare, 'usr/lib/berth'), { recursive: true });
    assert.equal((await machine.berth('ship', bare)).code, 0);
    assert.ok(!existsSync(join(bare, 'usr/lib/berth')), 'no empty directory is left in the tree');
  });
});

/** Ways to damage a shipped layout, and the error of each. */
const damages: Readonly<Record<string, readonly [string, (store: string, layer: string) => void]>> =
  {
    'a blob that is cut short': ['short-body', (_, layer) => truncateSync(layer, 100)],
    'a blob with more bytes': ['short-body', (_, layer) => appendFileSync(layer, 'x')],
    'a blob with other bytes': [
      'digest-mismatch',
      (_, layer) => writeFileSync(layer, Buffer.alloc(readFileSync(layer).length)),
    ],
    'a blob that is missing': ['bad-reply', (_, layer) => rmSync(layer)],
    'a blob that is a FIFO': [
      'bad-reply',
      (_, layer) => {
        rmSync(layer);
        execFileSync('mkfifo', [layer]);
      },
    ],
    'an index that is a FIFO': [
      'bad-reply',
      (store) => {
        rmSync(join(store, 'index.json'));
        execFileSync('mkfifo', [join(store, 'index.json')]);
      },
    ],
    'an index that is no JSON': [
      'bad-reply',
      (store) => writeFileSync(join(store, 'index.json'), '{'),
    ],
    'an index without an end': [
      'bad-reply',
      (store) => truncateSync(join(store, 'index.json'), 65 * 1024 * 1024),
    ],
    'digests that lead out of the layout': [
      'bad-reply',
      (store) => {
        const path = join(store, 'index.json');
        const text = readFileSync(path, 'utf8').replace(
          /sha256:[0-9a-f]{64}/,
          '../../../etc/passwd',
        );
        writeFileSync(path, text);
      },
    ],
    'blobs behind a link that leads out of the root': [
      'bad-reply',
      (store) => {
        renameSync(join(store, 'blobs'), `${store}/../../../../../blobs`);
        symlinkSync(join(store, '../../../../../blobs'), join(store, 'blobs'));
      },
    ],
  };

for (const [name, [code, damage]] of Object.entries(damages)) {
  test(`${name}: nothing is recorded as staged`, async (t) => {
    const directory = temporaryDirectory(t);
    const built = image(7);
    const root = writeRoot(join(directory, 'os'), {
      ...bind,
      ...container('web', `${host}/web:1`),
    });
    writeLayout(join(root, STORE), `${host}/web:1`, built);
    const layer = [...built.blobs].find(([, content]) => content[0] === 0x1f)?.[0] ?? '';
    damage(join(root, STORE), join(root, STORE, 'blobs/sha256', layer.replace('sha256:', '')));
    const { load, record, engine } = firstBoot(join(directory, 'host'));
    const staged = await load(root);
    const failures = [...(staged?.plan.failures ?? []), ...(staged?.failures ?? [])];
    assert.deepEqual(
      failures.map(({ error }) => error.code),
      [code],
      failures[0]?.error.message,
    );
    assert.match(failures[0]?.error.message ?? '', /^\/usr\/lib\/berth\/store\/.* of the root: /);
    assert.equal((await record())?.staged, undefined);
    assert.deepEqual([await engine.images(), await engine.pins()], [[], []]);
  });
}

test('policy.json decides by the name, wherever the bytes are', async (t) => {
  const { machine, root } = await buildRoot(t);
  const permit = async ({ name }: { readonly name: string }) => {
    if (name.includes('/api')) {
      throw new RegistryError('policy-rejected', `${name} is refused`, { hint: 'none' });
    }
    return [];
  };
  const directory = join(machine.directory, 'host');
  const { load, record } = firstBoot(directory, undefined, { ...noNetwork, permit });
  const failures = (await load(root))?.plan.failures ?? [];
  assert.deepEqual(
    failures.map(({ name, error }) => [name, error.code]),
    [[`${host}/api:1`, 'policy-rejected']],
  );
  assert.equal((await record())?.staged, undefined);
});

test('a layout of another tool: what a name leads to is taken as it is', async (t) => {
  const directory = temporaryDirectory(t);
  const root = writeRoot(join(directory, 'os'), { ...bind, ...container('web', `${host}/web:1`) });
  const built = image(7);
  writeLayout(join(root, STORE), `${host}/web:1`, built);
  const { load, record } = firstBoot(join(directory, 'host'));
  assert.deepEqual((await load(root))?.findings, []);
  const [recorded] = (await record())?.staged?.images ?? [];
  assert.equal(recorded?.names[0]?.digest, built.top.digest);
  assert.equal(recorded?.manifest, built.manifests[0]?.digest);
});

test('a mark in what a root ships makes no image one that berth fetched', async (t) => {
  const { machine, root } = await buildRoot(t);
  const state = join(machine.directory, 'state');
  const stage = ['stage', '--engine', 'store', '--id', 'os', root] as const;
  assert.equal((await machine.berth(...stage)).code, 0);
  // Now it lies there as somebody else had put it there.
  disownImages(machine);
  for (const own of ['roots', 'store/pins']) rmSync(join(state, own), { recursive: true });
  const shipped = join(root, STORE, 'index.json');
  const text = readFileSync(shipped, 'utf8');
  const marked = text.replaceAll('"annotations":{', '"annotations":{"io.berth.fetched":"true",');
  assert.notEqual(marked, text);
  writeFileSync(shipped, marked);
  assert.equal((await machine.berth(...stage)).code, 0);
  assert.equal((await machine.berth('release', '--engine', 'store', 'os')).code, 0);
  assert.match(
    (await machine.berth('prune', '--engine', 'store', '--force')).stderr,
    /Nothing to prune/,
  );
  const index = readFileSync(join(state, 'store/index.json'), 'utf8');
  assert.ok(index.includes('web:1') && !index.includes('io.berth.fetched'));
});

test('a first boot fills the engine from the archives that a list names', async (t) => {
  const directory = temporaryDirectory(t);
  const root = join(directory, 'os');
  const archived = [
    { image: buildImage({ layers: [{ bytes: 20_000, seed: 1 }] }), names: [`${host}/a:1`] },
  ];
  writeTree(root, {
    'etc/hostname': 'x',
    'usr/lib/berth/images.d/a.list': 'docker-archive:/usr/share/a.tar\n',
    'usr/share/a.tar': dockerArchive(archived),
  });
  const { load, findings, engine } = firstBoot(join(directory, 'host'));
  const staged = await load(root);
  assert.deepEqual([staged?.plan.failures, staged?.failures, staged?.findings], [[], [], []]);
  assert.deepEqual(await findings(), []);
  assert.deepEqual(
    (await engine.images()).flatMap(({ names }) => names),
    [`${host}/a:1`],
  );
  assert.equal(await load(root), undefined, 'nothing is left to do');
});
