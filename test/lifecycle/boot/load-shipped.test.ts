import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import * as schemas from '../../../src/documents/schemas.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import { dockerArchive } from '../../support/archives.ts';
import { container, disownImages, writeRoot } from '../../support/berth.ts';
import { firstBoot, noNetwork } from '../../support/first-boot.ts';
import { buildImage } from '../../support/image-builder.ts';
import { writeLayout } from '../../support/oci-layout.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { writeTree } from '../../support/tree.ts';
import { bind, buildRoot, host, image, STORE } from './shipped-root.ts';

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
  assert.match(shown.stdout, /Nothing comes over the network/);
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
