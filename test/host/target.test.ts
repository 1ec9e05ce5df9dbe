import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';
const files = container('web', `${host}/web:1`);
const checksum = 'a'.repeat(64);

async function startInstaller(t: TestContext): Promise<Machine> {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 20_000, seed: 1 }] }));
  return machine;
}

function stageInto(machine: Machine, into: string, ...words: string[]) {
  return machine.berth('stage', '--engine', 'store', '--bind', 'all', '--into', into, ...words);
}

/** What the target records of a root: its id, and its location as the target will see it. */
function recorded(target: string): string[][] {
  const roots = join(target, 'var/lib/berth/roots');
  return readdirSync(roots).map((file) => {
    const record: { id: string; location: string } = JSON.parse(
      readFileSync(join(roots, file), 'utf8'),
    );
    return [record.id, record.location];
  });
}

test('the target has images, pins and record, and the installer has none', async (t) => {
  const machine = await startInstaller(t);
  const target = writeRoot(join(machine.directory, 'target'), files);
  mkdirSync(join(target, 'var'));
  const { code, stderr } = await stageInto(machine, target);
  assert.equal(code, 0, stderr);
  assert.deepEqual(recorded(target), [['root', '/']]);
  assert.ok(!existsSync(join(machine.directory, 'state')));
  assert.equal(statSync(join(target, 'var/tmp')).mode & 0o7777, 0o1777);
  const state = join(target, 'var/lib/berth');
  const verified = await machine.berth('verify', '--engine', 'store', '--state-dir', state, 'root');
  assert.equal(verified.code, 0, verified.stderr);
});

test('an ostree deployment has the id and the place that it will be booted with', async (t) => {
  const machine = await startInstaller(t);
  const sysroot = join(machine.directory, 'sysroot');
  const stateroot = join(sysroot, 'ostree/deploy/acme');
  const root = writeRoot(join(stateroot, `deploy/${checksum}.0`), files);
  mkdirSync(join(stateroot, 'var'));
  const expected = [[`${checksum}.0`, `/sysroot/ostree/deploy/acme/deploy/${checksum}.0`]];
  for (const into of [sysroot, stateroot]) {
    const { code, stderr } = await stageInto(machine, into, root);
    assert.equal(code, 0, stderr);
    assert.deepEqual(recorded(stateroot), expected);
  }
});

test('a root elsewhere is called as it is here, or by --id', async (t) => {
  const machine = await startInstaller(t);
  const target = join(machine.directory, 'target');
  mkdirSync(join(target, 'var'), { recursive: true });
  const root = writeRoot(join(machine.directory, 'os'), files);
  assert.equal((await stageInto(machine, target, '--id', 'verity', root)).code, 0);
  assert.deepEqual(recorded(target), [['verity', root]]);
  writeRoot(join(target, 'slots/b'), files);
  assert.equal((await stageInto(machine, target, join(target, 'slots/b'))).code, 0);
  const [first, second, ...more] = recorded(target);
  assert.deepEqual([first, second, more], [['slots-b', '/slots/b'], ['verity', root], []]);
});

test('an invalid target is refused, and nothing is written', async (t) => {
  const machine = await startInstaller(t);
  const { directory } = machine;
  const target = writeRoot(join(directory, 'target'), files);
  const outside = join(directory, 'outside');
  mkdirSync(outside);
  const refused = async (code: number, message: RegExp, into: string, ...words: string[]) => {
    const outcome = await stageInto(machine, into, ...words, target);
    assert.equal(outcome.code, code, outcome.stderr);
    assert.match(outcome.stderr, message);
  };
  await refused(
    2,
    /expected a directory at .*nowhere, found nothing there/,
    join(directory, 'nowhere'),
  );
  await refused(2, /expected a directory var in it, found none/, target);
  symlinkSync(outside, join(target, 'var'));
  await refused(2, /expected a directory var in it, found a link/, target);
  await refused(2, /expected a target that is not running, found the running system/, '/');
  const linked = join(directory, 'linked');
  mkdirSync(join(linked, 'var/lib'), { recursive: true });
  symlinkSync(outside, join(linked, 'var/lib/berth'));
  await refused(1, /expected a directory at \/lib\/berth in the root, found a link/, linked);
  await refused(2, /found --state-dir beside it/, linked, '--state-dir', outside);
  await refused(2, /found --user beside it/, linked, '--user');
  assert.deepEqual(readdirSync(outside), []);
});
