import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { parseReserve, reserved } from '../../../src/lifecycle/reserve.ts';
import { container, startMachine, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { skipMounts, smallFileSystem } from '../../support/small-file-system.ts';

const host = 'registry.example.com';
const KIB = 1024;

test('a reserve is a size as systemd writes them, or a share', () => {
  const sizes: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['4096', 4096],
    ['500KiB', 500 * KIB],
    ['2GB', 2_000_000_000],
    ['5%', 50],
    ['100%', 1000],
    ['', undefined],
    ['101%', undefined],
    ['-1', undefined],
    ['5 GBit', undefined],
  ];
  for (const [text, bytes] of sizes) {
    const reserve = parseReserve(text);
    assert.equal(reserve && reserved(reserve, 1000), bytes, text);
  }
  assert.equal(reserved(undefined, 1000), 50);
  assert.equal(reserved(undefined, 1000 * KIB ** 3), KIB ** 3);
});

test('images that do not fit are refused with numbers before anything is fetched', {
  skip: skipMounts,
}, async (t) => {
  const { machine, root, state, stage, plan } = await onSmallDisk(t, 'size=2m');
  const small = writeRoot(join(machine.directory, 'small'), container('a', `${host}/small:1`));
  assert.equal((await stage('small', small)).code, 0);

  const planned = await plan('big', root);
  assert.equal(planned.code, 4);
  assert.match(planned.stderr, /staging big needs 1\.5 MB to download/);
  const { bytes, free, space, lack } = JSON.parse(planned.stdout);
  const [only, ...others] = space;
  assert.deepEqual(others, []);
  assert.equal(only.directory, join(state, 'store'));
  assert.equal(only.needed, bytes);
  assert.equal(only.estimated, false);
  assert.equal(only.free, free);
  assert.equal(only.reserve, Math.ceil(2 * KIB * KIB * 0.05));
  assert.equal(only.short, bytes + only.reserve - free);
  assert.equal(lack.code, 'no-space');

  machine.registry.requests.length = 0;
  const refused = await stage('big', root);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /1\.5 MB on disk in .*\/state\/store, where 1\.3 MB are free/);
  assert.match(refused.stderr, /104\.9 kB are to stay free, [\d.]+ kB are missing/);
  assert.match(refused.stderr, /`berth prune` would free nothing/);
  const blobs = machine.registry.requests.filter(({ path }) => path.includes('/blobs/'));
  assert.deepEqual(blobs, []);
  assert.equal((await machine.berth('verify', '--engine', 'store', 'small')).code, 0);

  await t.test('and what `berth prune` would free is named, and is enough', async () => {
    assert.equal((await machine.berth('release', '--engine', 'store', 'small')).code, 0);
    const hinted = await stage('big', root);
    assert.equal(hinted.code, 4);
    assert.match(hinted.stderr, /`berth prune` would free up to 80\d\.\d kB/);
    assert.equal((await machine.berth('prune', '--engine', 'store', '--force')).code, 0);
    assert.equal((await stage('big', root)).code, 0);
  });
});

test('the reserve is as berth.toml says', { skip: skipMounts }, async (t) => {
  const { machine, root, stage } = await onSmallDisk(t, 'size=2m');
  const config = join(machine.directory, 'berth.toml');
  for (const [reserve, code] of [
    ['50%', 4],
    ['1M', 4],
    ['100K', 0],
  ] as const) {
    writeFileSync(config, `reserve = "${reserve}"\n`);
    assert.equal((await stage('big', root, '--config', config)).code, code, reserve);
  }
  writeFileSync(config, 'reserve = "some"\n');
  const wrong = await stage('big', root, '--config', config);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /berth\.toml:1: reserve is "some"/);
});

test('a root that needs no space is staged however full the disk is', {
  skip: skipMounts,
}, async (t) => {
  const { machine, root, stage } = await onSmallDisk(t, 'size=2m');
  assert.equal((await stage('big', root)).code, 0);
  const config = join(machine.directory, 'berth.toml');
  writeFileSync(config, 'reserve = "100%"\n');
  assert.equal((await stage('other', root, '--config', config)).code, 0);
});

test('a file system with too few files left is refused too', { skip: skipMounts }, async (t) => {
  const { root, stage } = await onSmallDisk(t, 'size=2m,nr_inodes=9');
  const refused = await stage('big', root);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /\d files too many for it/);
});

test('prune says what becomes free: layers that stay do not', async (t) => {
  const machine = await startMachine(t);
  const base = { bytes: 100_000, seed: 1 };
  machine.registry.push('a:1', buildImage({ layers: [base, { bytes: 50_000, seed: 2 }] }));
  machine.registry.push('b:1', buildImage({ layers: [base, { bytes: 20_000, seed: 3 }] }));
  const engine = ['--engine', 'store'];
  for (const name of ['a', 'b']) {
    const root = writeRoot(join(machine.directory, name), container(name, `${host}/${name}:1`));
    await machine.berth('stage', ...engine, '--bind', 'all', '--id', name, root);
  }
  await machine.berth('release', ...engine, 'a');
  const prune = async (...flags: string[]) =>
    JSON.parse((await machine.berth('prune', ...engine, '--format', 'json', ...flags)).stdout);
  const blobs = join(machine.directory, 'state/store/blobs/sha256');
  const stored = () =>
    readdirSync(blobs).reduce((sum, name) => sum + statSync(join(blobs, name)).size, 0);
  const before = stored();
  const { freed, removed } = await prune('--dry-run');
  assert.ok(removed[0].size > 150_000);
  assert.equal((await prune('--force')).freed, freed);
  assert.equal(before - stored(), freed);
  assert.ok(freed < 60_000);
});

/** A machine whose state directory is on a disk of its own, and a root of 1.5 MB. */
async function onSmallDisk(t: TestContext, options: string) {
  const machine = await startMachine(t);
  const state = join(smallFileSystem(t, options).directory, 'state');
  machine.environment['BERTH_STATE_DIR'] = state;
  machine.registry.push('small:1', buildImage({ layers: [{ bytes: 800_000, seed: 1 }] }));
  machine.registry.push('big:1', buildImage({ layers: [{ bytes: 1_500_000, seed: 2 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('b', `${host}/big:1`));
  const words = (id: string, at: string) => ['--engine', 'store', '--bind', 'all', '--id', id, at];
  return {
    machine,
    root,
    state,
    stage: (id: string, at: string, ...more: string[]) =>
      machine.berth('stage', ...more, ...words(id, at)),
    plan: (id: string, at: string) => machine.berth('plan', '--format', 'json', ...words(id, at)),
  };
}
