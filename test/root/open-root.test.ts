import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { openRoot } from '../../src/root/open-root.ts';
import { RootError } from '../../src/root/root.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { openDescriptors, rootError, rootOf, textOf } from './fixture.ts';

test('a path is opened, and its location is the real one', (t) => {
  const { directory } = rootOf(t, { file: 'x' });
  const link = `${directory}-link`;
  symlinkSync(directory, link);
  for (const spec of [directory, link, `${directory}/.`, relative(process.cwd(), directory)]) {
    const root = openRoot(spec);
    assert.equal(root.location, directory);
    assert.equal(textOf(root, '/file'), 'x');
    root.close();
  }
});

test('a descriptor is opened, O_PATH or not, and stays open', (t) => {
  const { directory } = rootOf(t, { 'etc/file': 'x' });
  for (const flags of [constants.O_RDONLY, 0o10000000]) {
    const fd = openSync(directory, flags | constants.O_DIRECTORY);
    const before = openDescriptors();
    const root = openRoot(`fd:${fd}`);
    assert.equal(root.location, directory);
    assert.equal(textOf(root, '/etc/file'), 'x');
    assert.deepEqual(root.list('/'), [{ name: 'etc', kind: 'directory' }]);
    root.close();
    assert.equal(openDescriptors(), before);
    closeSync(fd);
  }
});

test('a descriptor has its path as location only if the path leads to the same directory', (t) => {
  const { directory } = rootOf(t, { file: 'x' });
  const gone = join(directory, 'gone');
  mkdirSync(gone);
  const fd = openSync(gone, constants.O_RDONLY);
  t.after(() => closeSync(fd));
  rmdirSync(gone);
  mkdirSync(`${gone} (deleted)`);
  const deleted = openRoot(`fd:${fd}`);
  assert.equal(deleted.location, `fd:${fd}`);
  assert.equal(deleted.list('/')?.length ?? 0, 0);
  deleted.close();

  const other = openSync(directory, constants.O_RDONLY);
  t.after(() => closeSync(other));
  renameSync(directory, `${directory}-moved`);
  mkdirSync(directory);
  const moved = openRoot(`fd:${other}`);
  assert.equal(moved.location, `${directory}-moved`);
  assert.equal(textOf(moved, '/file'), 'x');
  moved.close();
});

test('a directory that the parent opened is read by its number', (t) => {
  const { directory } = rootOf(t, { file: 'handed over' });
  const script = `
    import { openRoot } from ${JSON.stringify(new URL('../../src/root/open-root.ts', import.meta.url))};
    const root = openRoot('fd:3');
    process.stdout.write(root.location + ' ' + root.readFile('/file').content);`;
  for (const flags of [constants.O_RDONLY, 0o10000000]) {
    const fd = openSync(directory, flags | constants.O_DIRECTORY);
    t.after(() => closeSync(fd));
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit', fd],
      encoding: 'utf8',
    });
    assert.equal(child.stdout, `${directory} handed over`);
  }
});

test('a spec that is no root is a usage error with what was found and what to do', (t) => {
  const directory = temporaryDirectory(t);
  const file = openSync(join(directory, 'file'), 'w');
  t.after(() => closeSync(file));
  const before = openDescriptors();
  const expected: readonly (readonly [string, RegExp])[] = [
    [join(directory, 'nothing'), /nothing there/],
    [join(directory, 'file'), /not a directory/],
    [join(directory, 'file/below'), /not a directory/],
    ['', /nothing there/],
    ['a\0b', /found an error/],
    ['fd:987', /no such descriptor/],
    [`fd:${file}`, /not a directory/],
    ['fd:', /no number/],
    ['fd:-1', /no number/],
    ['fd:3/../..', /no number/],
    ['image:quay.io/a/b', /found an OS image/],
  ];
  for (const [spec, message] of expected) {
    assert.throws(
      () => openRoot(spec),
      (error) => {
        assert.ok(error instanceof RootError);
        assert.match(error.message, message);
        assert.equal(error.kind, 'usage');
        return rootError('no-root', spec)(error);
      },
    );
  }
  assert.equal(openDescriptors(), before);
});
