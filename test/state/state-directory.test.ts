import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { keepFromOthers } from '../../src/state/state-directory.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** The paths below a directory, itself as '', that anybody but their owner may use. */
function openToOthers(directory: string): string[] {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return ['', ...paths].filter((path) => (statSync(join(directory, path)).mode & 0o077) !== 0);
}

/** A state directory as the first version made it under umask 0. */
function madeOpen(directory: string, paths: readonly string[]): void {
  for (const path of paths) {
    const whole = join(directory, path);
    if (path.endsWith('/')) mkdirSync(whole);
    else writeFileSync(whole, '');
    chmodSync(whole, path.endsWith('/') ? 0o777 : 0o666);
  }
  chmodSync(directory, 0o777);
}

const made = [
  'lock',
  'lock.gate',
  'locks/',
  'locks/a',
  'locks/a.gate',
  'roots/',
  'roots/a.json',
  'roots/b.json.damaged',
  'pins.key',
  'pins.key.0123456789ab',
  'activation.json',
  'apply.json',
  'gate.json',
  'retry-times.json',
  '.activation.0123456789ab',
  'store/',
  'store/index.json',
  'store/pins/',
  'store/pins/a.json',
];

async function startStaged(t: TestContext) {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 200_000, seed: 1 }] }));
  const root = writeRoot(
    join(machine.directory, 'root'),
    container('web', 'registry.example.com/web:1'),
  );
  const stage = async (...words: string[]) => {
    const words_ = ['--engine', 'store', '--bind', 'all', '--id', 'a', root, ...words];
    const { code, stderr } = await machine.berth('stage', ...words_);
    assert.equal(code, 0, stderr);
  };
  return { machine, stage, state: join(machine.directory, 'state') };
}

test('whatever berth makes is for its owner alone, under umask 0 as well', async (t) => {
  const { machine, stage, state } = await startStaged(t);
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  await stage();
  await machine.berth('activate', '--engine', 'store');
  assert.ok(readdirSync(state).includes('roots'));
  assert.deepEqual(openToOthers(state), []);
  const target = join(machine.directory, 'target');
  mkdirSync(join(target, 'var'), { recursive: true, mode: 0o755 });
  await stage('--into', target);
  assert.deepEqual(openToOthers(join(target, 'var/lib/berth')), []);
});

test('a state directory that an earlier version left open is made private by any command', async (t) => {
  const { machine, stage, state } = await startStaged(t);
  await stage();
  for (const path of ['', ...readdirSync(state, { recursive: true, encoding: 'utf8' })]) {
    const whole = join(state, path);
    chmodSync(whole, statSync(whole).isDirectory() ? 0o755 : 0o644);
  }
  const { code, stderr } = await machine.berth('verify', '--engine', 'store', 'a');
  assert.equal(code, 0, stderr);
  assert.deepEqual(openToOthers(state), []);
});

test('all that an earlier version can have left is made private', (t) => {
  const state = temporaryDirectory(t);
  madeOpen(state, made);
  keepFromOthers(state);
  assert.deepEqual(openToOthers(state), []);
});

test('a directory that holds anything else keeps its mode, and only what is berth’s is changed', (t) => {
  const state = temporaryDirectory(t);
  madeOpen(state, [...made, 'letters/', 'letters/a']);
  keepFromOthers(state);
  assert.deepEqual(openToOthers(state).sort(), ['', 'letters', 'letters/a']);
});

test('a directory that is no state directory is left alone', (t) => {
  const other = temporaryDirectory(t);
  madeOpen(other, ['store/', 'roots/']);
  keepFromOthers(other);
  assert.deepEqual(openToOthers(other).sort(), ['', 'roots', 'store']);
  keepFromOthers(join(other, 'absent'));
  keepFromOthers('/proc/self/status');
});

const isRoot = process.geteuid?.() === 0;

test('files of another user are left alone', { skip: !isRoot && 'needs root' }, (t) => {
  const state = temporaryDirectory(t);
  madeOpen(state, ['lock', 'locks/', 'locks/a', 'roots/', 'roots/a.json']);
  chownSync(join(state, 'locks'), 65534, 65534);
  chownSync(join(state, 'roots/a.json'), 65534, 65534);
  keepFromOthers(state);
  assert.deepEqual(openToOthers(state).sort(), ['locks', 'locks/a', 'roots/a.json']);
  chownSync(state, 65534, 65534);
  chmodSync(state, 0o755);
  keepFromOthers(state);
  assert.equal(statSync(state).mode & 0o777, 0o755);
});

test('no link is followed, and no file that has a second name elsewhere is changed', (t) => {
  const directory = temporaryDirectory(t);
  const state = join(directory, 'state');
  const others = join(directory, 'others');
  mkdirSync(state);
  mkdirSync(others);
  madeOpen(others, ['a', 'b']);
  madeOpen(state, ['lock', 'locks/']);
  symlinkSync(others, join(state, 'roots'));
  symlinkSync(join(others, 'a'), join(state, 'locks/a'));
  linkSync(join(others, 'b'), join(state, 'locks/b'));
  keepFromOthers(state);
  assert.deepEqual(openToOthers(others).sort(), ['', 'a', 'b']);
  assert.equal(statSync(join(state, 'lock')).mode & 0o777, 0o600);
});

test('a state directory that others may write is refused', async (t) => {
  const { machine, state } = await startStaged(t);
  mkdirSync(state);
  writeFileSync(join(state, 'of-others'), '');
  chmodSync(state, 0o777);
  const { code, stderr } = await machine.berth('status', '--engine', 'store');
  assert.equal(code, 2);
  assert.match(
    stderr,
    /nobody else can write, found .*\/state, which everybody may write\n {2}→ .*chmod go-w/,
  );
  rmSync(join(state, 'of-others'));
  assert.equal((await machine.berth('status', '--engine', 'store')).code, 0);
  assert.equal(statSync(state).mode & 0o777, 0o700, 'an empty one is berth’s to be');
});
