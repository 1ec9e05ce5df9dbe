import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { BerthError } from '../../src/common/errors.ts';
import { writeInRoot } from '../../src/root/write-in-root.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { openDescriptors, rootError } from './fixture.ts';

const path = '/usr/lib/berth/lock.json';

function places(t: TestContext) {
  const directory = temporaryDirectory(t);
  const root = join(directory, 'root');
  const outside = join(directory, 'outside');
  mkdirSync(root);
  mkdirSync(outside);
  return { root, outside };
}

function unwritable(words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof BerthError, String(error));
    assert.equal(error.code, 'unwritable');
    assert.match(error.message, words);
    return true;
  };
}

test('a file is written whole, with the directories above it, and nothing stays open', (t) => {
  const { root } = places(t);
  const before = openDescriptors();
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  writeInRoot(root, path, 'one\n');
  writeInRoot(root, path, 'two\n');
  assert.equal(readFileSync(join(root, path), 'utf8'), 'two\n');
  assert.equal(statSync(join(root, path)).mode & 0o777, 0o644, 'whatever the umask');
  assert.deepEqual(readdirSync(join(root, 'usr/lib/berth')), ['lock.json']);
  assert.equal(openDescriptors(), before);
});

test('a root by descriptor is written to, and the descriptor stays open', (t) => {
  const { root } = places(t);
  const fd = openSync(root, 'r');
  writeInRoot(`fd:${fd}`, path, 'one\n');
  writeInRoot(`fd:${fd}`, path, 'two\n');
  assert.equal(readFileSync(join(root, path), 'utf8'), 'two\n');
});

for (const link of ['usr', 'usr/lib', 'usr/lib/berth']) {
  test(`a link at /${link} is refused, and nothing is written behind it`, (t) => {
    const { root, outside } = places(t);
    mkdirSync(join(root, link, '..'), { recursive: true });
    symlinkSync(outside, join(root, link));
    const before = openDescriptors();
    assert.throws(() => writeInRoot(root, path, 'x'), unwritable(/found a link.*nothing was/));
    assert.deepEqual(readdirSync(outside), []);
    assert.equal(openDescriptors(), before);
  });
}

test('a link at the place of the file is replaced, and its target stays as it is', (t) => {
  const { root, outside } = places(t);
  writeFileSync(join(outside, 'passwd'), 'kept');
  mkdirSync(join(root, 'usr/lib/berth'), { recursive: true });
  symlinkSync(join(outside, 'passwd'), join(root, path));
  writeInRoot(root, path, 'lock');
  assert.equal(readFileSync(join(outside, 'passwd'), 'utf8'), 'kept');
  assert.equal(readFileSync(join(root, path), 'utf8'), 'lock');
});

test('errors name the obstacle: a file, a directory, no root', (t) => {
  const { root } = places(t);
  assert.throws(() => writeInRoot(join(root, 'nowhere'), path, 'x'), rootError('no-root'));
  writeFileSync(join(root, 'usr'), '');
  assert.throws(() => writeInRoot(root, path, 'x'), unwritable(/\/usr in the root, found no dir/));
  mkdirSync(join(root, 'opt/lock.json'), { recursive: true });
  assert.throws(() => writeInRoot(root, '/opt/lock.json', 'x'), unwritable(/opt\/lock\.json/));
  assert.deepEqual(readdirSync(join(root, 'opt')), ['lock.json'], 'no temporary file stays');
});

test('a directory without write permission stays as it is, and the error says so', (t) => {
  const { root } = places(t);
  const directory = join(root, 'usr');
  mkdirSync(directory);
  chmodSync(directory, 0o555);
  // A temporary directory is its owner's alone.
  chmodSync(join(root, '..'), 0o755);
  asNobody(() => {
    assert.throws(() => writeInRoot(root, '/usr/lock', 'x'), unwritable(/permission denied/));
    assert.throws(() => writeInRoot(root, '/usr/a/lock', 'x'), unwritable(/permission denied/));
  });
  assert.deepEqual(readdirSync(directory), []);
});

/** Gives up root's rights meanwhile: no mode of a directory keeps root out. */
function asNobody(work: () => void): void {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

test('a path that could lead out of the root is a bug of the caller', (t) => {
  const { root } = places(t);
  for (const wrong of ['/', '/../x', '/a/./x']) {
    assert.throws(() => writeInRoot(root, wrong, 'x'), RangeError);
  }
});
