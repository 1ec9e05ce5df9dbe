import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { mergedEtc } from '../../src/deployment/merged-etc.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { OverlaidRoot } from '../../src/root/overlaid-root.ts';
import { RootError } from '../../src/root/root.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { writeTree } from '../support/tree.ts';

const skip = process.getuid?.() !== 0 && 'only root can become another user';

/** Runs synchronous work with the rights of a user who owns nothing. */
function asNobody<T>(work: () => T): T {
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

test('a user reads all of a merged /etc but what the user may not read', { skip }, (t) => {
  const directory = temporaryDirectory(t);
  chmodSync(directory, 0o755);
  const common = {
    'same.conf': 'same',
    '.pwd.lock': '',
    'private/key': 'old',
    'dropped/private/key': 'old',
  };
  const below = (place: string, files: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`${place}/${path}`, text]));
  writeTree(join(directory, 'old'), {
    ...below('usr/etc', common),
    ...below('etc', { ...common, 'made.conf': 'made', 'made/private/key': 'mine' }),
  });
  const { 'dropped/private/key': _dropped, ...kept } = common;
  writeTree(join(directory, 'new'), below('usr/etc', { ...kept, 'new.conf': 'new' }));
  for (const etc of ['old/etc', 'old/usr/etc', 'new/usr/etc']) {
    chmodSync(join(directory, etc, '.pwd.lock'), 0o600);
    chmodSync(join(directory, etc, 'private'), 0o700);
  }
  for (const made of ['old/etc/made', 'old/etc/dropped', 'old/usr/etc/dropped']) {
    chmodSync(join(directory, made, 'private'), 0o700);
  }
  const [local, fresh] = [openRoot(join(directory, 'old')), openRoot(join(directory, 'new'))];
  asNobody(() => {
    const etc = mergedEtc('id', fresh, local, join(directory, 'old'));
    const root = new OverlaidRoot(fresh, { etc }, [local]);
    for (const [path, text] of [
      ['/etc/same.conf', 'same'],
      ['/etc/made.conf', 'made'],
      ['/etc/new.conf', 'new'],
    ] as const) {
      assert.equal(root.readFile(path)?.content.toString(), text);
    }
    assert.ok(
      root.list('/etc')?.some(({ name, kind }) => name === 'private' && kind === 'directory'),
    );
    assert.equal(root.lookup('/etc/private')?.kind, 'directory');
    for (const path of ['.pwd.lock', 'private/key', 'made/private/key', 'dropped/private/key']) {
      assert.throws(
        () => root.readFile(`/etc/${path}`),
        (error) => error instanceof RootError && error.code === 'unreadable',
        path,
      );
    }
    root.close();
  });
});
