import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import * as v from 'valibot';
import * as schemas from '../../../src/documents/schemas.ts';
import { below, dockerArchive, ociArchive, ociLayout } from '../../support/archives.ts';
import { container, type Machine, startMachine } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { type Tree, writeTree } from '../../support/tree.ts';

const host = 'registry.example.com';
const image = (seed: number) => buildImage({ layers: [{ bytes: 20_000, seed }] });
const archive = (seed: number, ...names: string[]) => [{ image: image(seed), names }];
const bind = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
const APP = 'usr/share/app.tar';

/** A unit that podman starts from an archive. */
const atStart: Tree = {
  ...bind,
  ...container('app', `docker-archive:/${APP}`),
  [APP]: dockerArchive(archive(1, `${host}/app:1`)),
};

type Offline = Machine & { readonly root: string };

/** A machine whose registry does not answer. */
async function offline(t: TestContext, tree: Tree): Promise<Offline> {
  const machine = await startMachine(t);
  await machine.registry.close();
  const root = join(machine.directory, 'os');
  writeTree(root, tree);
  return { ...machine, root };
}

async function staged(machine: Offline) {
  const { root } = machine;
  const { code, stdout, stderr } = await machine.berth(
    'stage',
    '--engine',
    'store',
    '--format',
    'json',
    root,
  );
  return { code, stderr, result: v.parse(schemas.StageResult, JSON.parse(stdout)) };
}

async function verified(machine: Offline) {
  const { root } = machine;
  const { code, stdout } = await machine.berth(
    'verify',
    '--engine',
    'store',
    '--format',
    'json',
    root,
  );
  const { findings } = v.parse(schemas.Verification, JSON.parse(stdout));
  return [code, ...findings.map((found) => found.code)];
}

test('an image that podman takes from an archive of the root is provided, and needs no network', async (t) => {
  const machine = await offline(t, atStart);
  const { code, stderr, result } = await staged(machine);
  assert.equal(code, 0, stderr);
  assert.deepEqual(result.images, []);
  const [provided] = result.provided;
  assert.equal(provided?.name, `${host}/app:1`);
  assert.equal(provided?.archive?.name, `docker-archive:/${APP}`);
  assert.equal(provided?.id, idOf(image(1)));
  assert.deepEqual(await verified(machine), [0]);
  const plan = await machine.berth('plan', '--engine', 'store', machine.root);
  assert.match(plan.stdout, /podman takes it from docker-archive:\/usr\/share\/app\.tar/);
  const again = await machine.berth('stage', '--engine', 'store', machine.root);
  assert.match(again.stdout, /app:1 .* provided +podman takes it from docker-archive:/);
  assert.match(again.stdout, / is ready on store: 0 images, 0 B fetched; 1 image provided\.\n$/);
  const verify = await machine.berth('verify', '--engine', 'store', machine.root);
  assert.match(verify.stdout, / is ready: 1 image provided by an archive or a store\.\n$/);
  const why = await machine.berth('why', `${host}/app:1`, machine.root);
  assert.match(why.stdout, /\n {4}provided: podman takes it from docker-archive:/);
  assert.doesNotMatch(why.stdout, /not present|not pinned/);
  const answer = await machine.berth('why', '--format', 'json', `${host}/app:1`, machine.root);
  const { roots } = v.parse(schemas.Why, JSON.parse(answer.stdout));
  assert.equal(roots[0]?.provided?.archive?.name, `docker-archive:/${APP}`);
  const images = await machine.berth('images', '--format', 'json', machine.root);
  const list = v.parse(schemas.ImageList, JSON.parse(images.stdout));
  assert.equal(list.images[0]?.references[0]?.archive, `docker-archive:/${APP}`);
});

function idOf({ manifests: [manifest] }: ReturnType<typeof image>): string {
  const parsed: { config: { digest: string } } = JSON.parse(String(manifest?.content));
  return parsed.config.digest;
}

test('verify sees that the archive is gone or has another size', async (t) => {
  const machine = await offline(t, atStart);
  assert.equal((await staged(machine)).code, 0);
  const file = join(machine.root, APP);
  const whole = readFileSync(file);
  writeFileSync(file, whole.subarray(0, whole.length - 1));
  assert.deepEqual(await verified(machine), [3, 'archive-changed']);
  rmSync(file);
  assert.deepEqual(await verified(machine), [3, 'image-missing']);
  rmSync(machine.root, { recursive: true });
  // The record and the engine speak for a root whose tree is not mounted.
  assert.deepEqual(await verified(machine), [0]);
});

test('a missing or damaged archive keeps the root from being ready, with its path', async (t) => {
  const machine = await offline(t, atStart);
  const file = join(machine.root, APP);
  const bytes = readFileSync(file);
  bytes[10_000] = (bytes[10_000] ?? 0) ^ 1;
  const damages = [
    [() => writeFileSync(file, bytes), /podman save/],
    [() => rmSync(file), /put the archive there/],
  ] as const;
  for (const [damage, hint] of damages) {
    damage();
    const { code, result } = await staged(machine);
    assert.equal(code, 3);
    const [problem, ...others] = result.problems;
    assert.deepEqual([problem?.code, others], ['archive', []]);
    assert.match(problem?.message ?? '', /^\/usr\/share\/app\.tar/);
    assert.match(problem?.hint ?? '', hint);
    assert.match(problem?.path ?? '', /app\.container$/);
    assert.deepEqual(await verified(machine), [3, 'problem']);
    const lint = await machine.berth('lint', '--offline', machine.root);
    assert.match(lint.stdout + lint.stderr, /usr\/share\/app\.tar/);
  }
});

test('images of archives that fill an engine are loaded and pinned under their names', async (t) => {
  const load = (path: string) =>
    `[Service]\nType=oneshot\nExecStart=podman load -i ${path}\n[Install]\nWantedBy=multi-user.target\n`;
  const machine = await offline(t, {
    ...bind,
    'usr/lib/berth/images.d/a.list':
      'docker-archive:/usr/share/listed.tar.gz\noci:/usr/share/layout:q.io/layout:1\n',
    'usr/share/listed.tar.gz': gzipSync(dockerArchive(archive(2, `${host}/listed:1`), 'packed')),
    ...below('usr/share/layout', ociLayout(archive(3, 'q.io/layout:1'))),
    'usr/lib/systemd/system/load.service': load('/usr/share/loaded.tar'),
    'usr/share/loaded.tar': ociArchive(archive(4, `${host}/loaded:1`)),
    ...container('app', `${host}/loaded:1`),
  });
  const { code, stderr, result } = await staged(machine);
  assert.equal(code, 0, stderr);
  const names = result.images.flatMap((one) => one.names.map(({ name }) => name));
  assert.deepEqual(names.sort(), ['q.io/layout:1', `${host}/listed:1`, `${host}/loaded:1`]);
  assert.deepEqual(await verified(machine), [0]);
  const units = result.images
    .flatMap((one) => one.names)
    .find(({ name }) => name === `${host}/loaded:1`)
    ?.references.map(({ unit }) => unit);
  assert.deepEqual(units?.sort(), ['app.service', 'load.service']);
});

test('an archive of a unit that nothing starts says nothing about a name', async (t) => {
  const machine = await offline(t, {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "enabled"\n',
    'usr/lib/systemd/system/multi-user.target': '[Unit]\n',
    'usr/lib/systemd/system/default.target': '-> multi-user.target',
    'usr/lib/systemd/system/load.service': '[Service]\nExecStart=podman load -i /usr/share/a.tar\n',
    'usr/share/a.tar': ociArchive(archive(4, `${host}/a:1`)),
    ...container('app', `${host}/a:1`, '[Install]\nWantedBy=multi-user.target\n'),
  });
  const { code, result } = await staged(machine);
  assert.notEqual(code, 0);
  assert.deepEqual(
    result.failures.map(({ image }) => image),
    [`${host}/a:1`],
  );
});

test('an archive of a list that is missing, or has a damaged layer, keeps the root from being ready', async (t) => {
  const machine = await offline(t, {
    ...bind,
    'usr/lib/berth/images.d/a.list':
      'docker-archive:/usr/share/a.tar\ndocker-archive:/usr/share/b.tar\n',
    'usr/share/a.tar': dockerArchive(archive(2, `${host}/a:1`)),
  });
  const file = join(machine.root, 'usr/share/a.tar');
  const bytes = readFileSync(file);
  bytes[10_000] = (bytes[10_000] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const { code, result } = await staged(machine);
  assert.notEqual(code, 0);
  assert.deepEqual(
    result.problems.map((one) => `${one.code}:${one.line}`),
    ['archive:2'],
  );
  const [failure] = result.failures;
  assert.equal(failure?.image, `${host}/a:1`);
  assert.match(failure?.message ?? '', /\/usr\/share\/a\.tar of the root: expected sha256/);
});
