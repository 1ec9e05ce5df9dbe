import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import * as schemas from '../../src/documents/schemas.ts';
import { sha256 } from '../../src/image/digest.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipMounts, smallFileSystem } from '../support/small-file-system.ts';
import { asSite, host, made, membersOf, startLab } from './lab.ts';

test('the same images give the same bytes, from a registry and from the store; the lock is the lock', async (t) => {
  const lab = await startLab(t);
  const first = await made(lab);
  const members = await membersOf(first);
  const paths = [...members.keys()];
  assert.deepEqual(paths.slice(0, 4), ['oci-layout', 'index.json', 'lock.json', 'bundle.json']);
  for (const [path, content] of [...members].slice(4)) {
    assert.equal(path, `blobs/${sha256(content).replace(':', '/')}`);
  }
  await lab.machine.berth('stage', lab.root, '--engine', 'store');
  const asked = lab.machine.registry.requests.length;
  assert.deepEqual(await made(lab), first);
  const layers = lab.machine.registry.requests.slice(asked).filter(({ path }) => {
    const digest = /\/blobs\/(sha256:.*)/.exec(path)?.[1];
    return (members.get(`blobs/${digest?.replace(':', '/')}`)?.length ?? 0) > 100_000;
  });
  assert.deepEqual(layers, [], 'what the store has is not downloaded');
  await lab.machine.berth('lock', lab.root);
  const lock = readFileSync(join(lab.root, 'usr/lib/berth/lock.json'));
  assert.deepEqual(members.get('lock.json'), lock);
  assert.deepEqual(await made(lab), first, 'also of a root with a lock');
  await lab.machine.berth('ship', lab.root);
  await lab.machine.registry.close();
  assert.deepEqual(await made(lab), first, 'also of what the root ships');
});

test('a place that nobody can write to is said in two lines, before anything is fetched', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  for (const file of [
    'absent/site.tar.zst',
    '.',
    'os/usr/share/containers/systemd/web.container/x',
  ]) {
    const output = join(machine.directory, file);
    const words = ['bundle', '--bind', 'all', root, '--output', output, '--progress', 'none'];
    const { code, stderr } = await machine.berth(...words);
    assert.equal(code, 1);
    assert.match(stderr, /^berth: can't write .*\n {2}→ name a file in an existing directory.*\n$/);
  }
  assert.deepEqual(machine.registry.requests, []);
});

test('a bundle that fails leaves the file as it was', async (t) => {
  const lab = await startLab(t);
  writeFileSync(lab.file, 'of yesterday');
  const { registry } = lab.machine;
  registry.fault = ({ path }) => (path.includes('/blobs/') ? { kind: 'altered' } : undefined);
  const altered = await lab.machine.berth('bundle', lab.root, '--output', lab.file);
  assert.equal(altered.code, 1, altered.stderr);
  registry.fault = () => ({ status: 404 });
  const words = ['bundle', lab.root, '--output', lab.file, '--format', 'json'];
  const absent = await lab.machine.berth(...words);
  assert.equal(absent.code, 1, absent.stderr);
  const result = v.parse(schemas.BundleResult, JSON.parse(absent.stdout));
  assert.deepEqual([result.written, result.failures.length], [false, 2]);
  assert.equal(readFileSync(lab.file, 'utf8'), 'of yesterday');
  registry.fault = undefined;
  const full = await lab.machine.berth('bundle', lab.root, '--output', '/dev/full');
  assert.equal(full.code, 4, full.stderr);
  assert.ok(statSync('/dev/full').isCharacterDevice());
  const nowhere = await lab.machine.berth('bundle', lab.root, '--output', '/nowhere/at/all');
  assert.match(nowhere.stderr, /can't write \/nowhere\/at\/all/);
  assert.deepEqual(
    readdirSync(lab.machine.directory).filter((name) => name.includes('site.tar.zst')),
    ['site.tar.zst'],
  );
});

test('a disk that is too small is refused, on either side', { skip: skipMounts }, async (t) => {
  const lab = await startLab(t);
  const { directory } = smallFileSystem(t, 'size=3m');
  const there = { ...lab, file: join(directory, 'site.tar.zst') };
  const made3 = await there.machine.berth('bundle', there.root, '--output', there.file);
  assert.equal(made3.code, 4, made3.stderr);
  assert.match(made3.stderr, /expected 4\.0 MB for .*found 3\.1 MB free/);
  assert.deepEqual(readdirSync(directory), []);
  await made(lab);
  asSite(lab.machine, join(directory, 'state'));
  const loaded = await lab.machine.berth('load', lab.file, '--engine', 'store');
  assert.equal(loaded.code, 4, loaded.stderr);
  assert.match(loaded.stderr, /loading the bundle writes 4\.0 MB, and .* are missing/);
  assert.equal(existsSync(join(directory, 'state/store')), false);
});

test('--since takes a lock or a bundle, and says what is neither', async (t) => {
  const lab = await startLab(t);
  const whole = await made(lab);
  const since = join(lab.machine.directory, 'since');
  for (const text of ['{"images":[]}', 'something else', '']) {
    writeFileSync(since, text);
    const words = ['bundle', lab.root, '--output', lab.file, '--since', since];
    const { code, stderr } = await lab.machine.berth(...words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /expected a lock or an earlier bundle at .*since, found/);
  }
  writeFileSync(since, whole);
  const part = await made(lab, '--since', since);
  assert.ok(part.length < 20_000, 'nothing but what the images are');
  // A bundle that builds on another still lists all layers of its images.
  writeFileSync(since, part);
  assert.deepEqual(await made(lab, '--since', since), part);
});

test('a lock whose images are gone from the registry leaves nothing out', async (t) => {
  const lab = await startLab(t);
  const whole = await made(lab);
  const lock = join(lab.machine.directory, 'lock.json');
  const text = (await membersOf(whole)).get('lock.json')?.toString() ?? '';
  writeFileSync(lock, text.replaceAll(/sha256:.{8}/g, 'sha256:00000000'));
  const { code, stderr } = await lab.machine.berth(
    'bundle',
    lab.root,
    '--output',
    lab.file,
    '--since',
    lock,
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /are unknown, so they are not left out/);
  assert.deepEqual(readFileSync(lab.file), whole);
});
