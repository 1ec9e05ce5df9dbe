import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { othersPins } from '../../../src/engine/crio/configuration.ts';
import { CRIO_DROP_IN } from '../../../src/image/crio-drop-in.ts';
import { pinnedIn } from '../../support/cri-server.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** A configuration of files by their paths below crio.conf.d; `crio.conf` is the main one. */
function configured(t: TestContext, files: Readonly<Record<string, string>>) {
  const directory = temporaryDirectory(t);
  const places = { main: join(directory, 'crio.conf'), dropIns: join(directory, 'crio.conf.d') };
  for (const [name, text] of Object.entries(files)) {
    const path = name === 'crio.conf' ? places.main : join(places.dropIns, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return places;
}

const list = (...names: readonly string[]) =>
  `[crio.image]\npinned_images = ${JSON.stringify(names)}\n`;

const tables: Readonly<Record<string, readonly [Record<string, string>, readonly string[]]>> = {
  'no file at all': [{}, []],
  'the main file alone': [{ 'crio.conf': list('a/b:1', 'c/*') }, ['a/b:1', 'c/*']],
  'a drop-in takes the place of the main file': [
    { 'crio.conf': list('a/b:1'), '50-pinned-images': list('c/d:1') },
    ['c/d:1'],
  ],
  'an empty list counts': [{ 'crio.conf': list('a/b:1'), '50-x': list() }, []],
  'a file without a list changes nothing': [
    { 'crio.conf': list('a/b:1'), '50-x': '[crio.image]\npause_image = "p/q:1"\n' },
    ['a/b:1'],
  ],
  'files are read whatever their names are': [{ '.hidden': list('a/b:1') }, ['a/b:1']],
  'names are sorted by their bytes': [
    { 'Z-later': list('a/b:1'), 'a-latest': list('c/d:1') },
    ['c/d:1'],
  ],
  'directories are read in their place': [
    { '10/99': list('a/b:1'), '20': list('c/d:1'), '15/x/y': list('e/f:1') },
    ['c/d:1'],
  ],
  'empty entries are passed over': [{ '10': list('', 'a/b:1') }, ['a/b:1']],
  "berth's own file is not one of others": [
    { '10': list('a/b:1'), [CRIO_DROP_IN]: list('a/b:1', 'own/x:1') },
    ['a/b:1'],
  ],
  'tables may be dotted or inline': [
    { 'crio.conf': 'crio = { image = { pinned_images = ["a/b:1"] } }' },
    ['a/b:1'],
  ],
};

for (const [name, [files, expected]] of Object.entries(tables)) {
  test(`what others pin: ${name}`, async (t) => {
    assert.deepEqual(await othersPins(configured(t, files)), {
      pinned: expected,
      overriding: undefined,
    });
  });
}

test("a list that is read after berth's file is named", async (t) => {
  const places = configured(t, { 'zzz-last': list('a/b:1') });
  const expected = { pinned: ['a/b:1'], overriding: join(places.dropIns, 'zzz-last') };
  assert.deepEqual(await othersPins(places), expected);
  writeFileSync(join(places.dropIns, CRIO_DROP_IN), list('own/x:1'));
  assert.deepEqual(await othersPins(places), expected);
});

for (const [name, text] of Object.entries({
  'no TOML': 'pinned_images = [',
  'no list of texts': '[crio.image]\npinned_images = "a/b:1"\n',
})) {
  test(`a file that CRI-O would refuse is named: ${name}`, async (t) => {
    const places = configured(t, { '10-x': text });
    await assert.rejects(othersPins(places), (error: Error) => error.message.includes('10-x'));
  });
}

test('a link to a directory is refused, as by CRI-O', async (t) => {
  const places = configured(t, { '10': list('a/b:1') });
  symlinkSync('/etc', join(places.dropIns, '20'));
  await assert.rejects(othersPins(places), /no regular file/);
});

test('any configuration is read as CRI-O reads it', async (t) => {
  const name = fc.constantFrom('a', 'B', '10', '50-pinned-images', 'é', 'z', 'd/1', 'd/2', 'D/e/f');
  const text = fc.oneof(
    fc.array(fc.constantFrom('a/b:1', 'c/d:2', '*', 'q.io/*'), { maxLength: 3 }),
    fc.constant(undefined),
  );
  const files = fc.dictionary(fc.oneof(name, fc.constant('crio.conf')), text, { maxKeys: 6 });
  await holds(
    50,
    fc.asyncProperty(files, async (written) => {
      const texts = Object.entries(written).map(([path, names]) => [
        path,
        names === undefined ? '[crio]\n' : list(...names),
      ]);
      const places = configured(t, Object.fromEntries(texts) as Record<string, string>);
      assert.deepEqual((await othersPins(places)).pinned, pinnedIn(places.main, places.dropIns));
    }),
  );
});
