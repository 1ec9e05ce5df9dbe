import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { problemOf } from '../../src/root/problem-of.ts';
import { RootError } from '../../src/root/root.ts';
import { openDescriptors, rootError, rootOf, textOf } from './fixture.ts';

test('a bounded number of descriptors is open in a large tree, and none after it', (t) => {
  const before = openDescriptors();
  const { root, directory } = rootOf(t, {});
  const paths: string[] = [];
  for (let at = 0; at < 300; at++) {
    const path = `/${at}${'/d'.repeat(at % 64)}`;
    mkdirSync(directory + path, { recursive: true });
    writeFileSync(`${directory}${path}/file`, path);
    paths.push(path);
  }
  let most = 0;
  for (let round = 0; round < 2; round++) {
    for (const path of paths) {
      assert.equal(textOf(root, `${path}/file`), path);
      assert.ok(root.list(path)?.some(({ name }) => name === 'file'));
      most = Math.max(most, openDescriptors() - before);
    }
  }
  // 32 idle, 64 of one walk, the root.
  assert.ok(most <= 97, `${most} descriptors were open`);
  root.close();
  assert.equal(openDescriptors(), before);
});

test("a closed root can't be read again", (t) => {
  const { root } = rootOf(t, { 'a/b': 'x' });
  textOf(root, '/a/b');
  root.close();
  const before = openDescriptors();
  root.close();
  assert.equal(openDescriptors(), before);
  for (const read of [
    () => root.lookup('/'),
    () => root.list('/'),
    () => root.readFile('/a/b'),
    () => root.readLink('/a'),
  ]) {
    assert.throws(read, /closed/);
  }
});

test('permission denied is an error and never counts as a missing file', (t) => {
  const { root, directory } = rootOf(t, {
    'etc/secret': 'x',
    'locked/unit': 'x',
    'blind/unit': 'x',
  });
  // The temporary directory itself lets only its owner in.
  chmodSync(dirname(directory), 0o755);
  chmodSync(join(directory, 'etc/secret'), 0);
  chmodSync(join(directory, 'locked'), 0);
  chmodSync(join(directory, 'blind'), 0o711);
  // The removal of the temporary directory needs it again.
  const unlock = (): void => chmodSync(join(directory, 'locked'), 0o755);
  asNobody(() => {
    for (const read of [
      () => root.readFile('/etc/secret'),
      () => root.readFile('/locked/unit'),
      () => root.lookup('/locked/unit'),
      () => root.lookup('/locked/nothing'),
      () => root.list('/locked'),
      () => root.list('/blind'),
    ]) {
      assert.throws(read, (error) => {
        assert.match(String(error), /permission denied \(EACCES\)/);
        return rootError('unreadable')(error);
      });
    }
    assert.equal(textOf(root, '/blind/unit'), 'x');
  }, unlock);
});

/** The superuser is denied nothing; the rights are this process's only for the moment. */
function asNobody(act: () => void, after: () => void): void {
  const superuser = process.geteuid?.() === 0;
  if (superuser) process.seteuid?.(65534);
  try {
    act();
  } finally {
    if (superuser) process.seteuid?.(0);
    after();
  }
}

test('the problem of a read error shows no raw bytes', (t) => {
  const { root } = rootOf(t, { 'a\u001b[2J': 'too much' });
  try {
    root.readFile('/a\u001b[2J', 3);
    assert.fail('expected too-large');
  } catch (error) {
    assert.ok(error instanceof RootError);
    assert.deepEqual(problemOf(error), {
      code: 'too-large',
      path: '/a\u001b[2J',
      message: 'expected at most 3 bytes in /a\\x1b[2J, found more',
      hint: error.hint,
    });
  }
});
