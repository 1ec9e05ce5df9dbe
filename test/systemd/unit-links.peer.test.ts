import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openRoot } from '../../src/root/open-root.ts';
import { readSystemdUnits } from '../../src/systemd/systemd-units.ts';
import { holds } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { type Tree, writeTree } from '../support/tree.ts';
import { trixieSystemd } from '../support/trixie.ts';

const search = ['etc/systemd/system', 'usr/local/lib/systemd/system', 'usr/lib/systemd/system'];
const names = ['a.service', 'b.service', 'c@.service', 'c@x.service', 'd.target', 'e.socket'];
const places = [...search, 'usr/lib/systemd/system/sub', 'etc/systemd', 'opt'];

const file = fc
  .tuple(fc.constantFrom(...places), fc.constantFrom(...names))
  .map(([place, name]) => [`${place}/${name}`, '[Unit]\n'] as const);

/** A link to a file that may be missing, relative, as it leads to the same place in any root. */
const link = fc
  .tuple(
    fc.constantFrom(...search),
    fc.constantFrom(...names),
    fc.constantFrom(...places),
    fc.constantFrom(...names),
  )
  .map(
    ([from, name, to, target]) =>
      [`${from}/${name}`, `-> ${relative(from, to) || '.'}/${target}`] as const,
  );

const tree: fc.Arbitrary<Tree> = fc
  .tuple(fc.array(link, { maxLength: 5 }), fc.array(file, { minLength: 1, maxLength: 6 }))
  .map(([links, files]) => Object.fromEntries([...links, ...files]));

test('links of unit files mean the units that they mean to systemd', async (t) => {
  const directory = join(temporaryDirectory(t), 'root');
  await holds(
    100,
    fc.asyncProperty(tree, async (files) => {
      rmSync(directory, { recursive: true, force: true });
      writeTree(directory, { ...files, 'etc/machine-id': '' });
      const known = idsOf(directory);
      const root = openRoot(directory);
      const options = { manager: 'system', generated: [], architecture: 'x86-64' } as const;
      const units = readSystemdUnits(root, '/etc', options);
      for (const name of names) {
        const unit = units.unit(name);
        const theirs = fileOf(known, name);
        // systemd notices only later that a link leads nowhere.
        const isThere = theirs !== undefined && existsSync(theirs);
        assert.equal(unit && join(directory, unit.path), isThere ? theirs : undefined, name);
      }
      root.close();
    }),
  );
});

/** The map of names that systemd makes: of each, another name or a path. */
function idsOf(directory: string): ReadonlyMap<string, string> {
  const path = search.map((place) => join(directory, place)).join(':');
  const text = trixieSystemd('bin/systemd-analyze', ['unit-files'], {
    tree: directory,
    environment: { SYSTEMD_UNIT_PATH: path },
  });
  return new Map(
    Array.from(text.matchAll(/^ids: (\S+) → (\S+)$/gm), ([, name = '', to = '']) => [name, to]),
  );
}

/** The file that a name leads to by at most some links; a template is the file of its instances. */
function fileOf(ids: ReadonlyMap<string, string>, name: string): string | undefined {
  let at = name;
  for (let links = 0; links < 16; links++) {
    const template = at.replace(/@[^.]+\./, '@.');
    const next = ids.get(at) ?? ids.get(template);
    if (next === undefined || next.startsWith('/')) return next;
    at = next;
  }
  return undefined;
}
