import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openRoot } from '../../../src/root/open-root.ts';
import { fstabUnits } from '../../../src/systemd/at-boot/fstab-units.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { trixieSystemd } from '../../support/trixie.ts';

const option = fc.constantFrom(
  'ro',
  'noauto',
  'nofail',
  'x-systemd.automount',
  'x-systemd.wanted-by=a.service',
  'x-systemd.wanted-by=b.target',
  'x-systemd.required-by=c.service',
  'x-systemd.requires=d.service',
  'x-systemd.requires=e.socket',
  'x-systemd.wants=f.service',
  'x-systemd.after=g.service',
);

const places = ['/data', '/mnt/x\\040y', '/srv/a-b/', '/.hidden/d', '/srv//twice', '/opt/ä'];

const line = fc
  .tuple(fc.constantFrom('  ', '\t', ' '), fc.uniqueArray(option, { minLength: 1, maxLength: 4 }))
  .map(
    ([blank, options]) =>
      (place: string) =>
        ['/dev/vdb', place, 'ext4', options.join(','), '0', '0'].join(blank),
  );

const fstab = fc
  .tuple(
    fc.subarray(places),
    fc.array(line, { minLength: places.length, maxLength: places.length }),
  )
  .map(([chosen, lines]) =>
    [
      '# a comment with x-systemd.requires=h.service',
      ...chosen.map((place, at) => lines[at]?.(place)),
    ].join('\n'),
  );

test('mounts of fstab start the units that systemd’s generator says', async (t) => {
  const base = temporaryDirectory(t);
  const [tree, normal] = [join(base, 'tree'), join(base, 'normal')];
  await holds(
    40,
    fc.asyncProperty(fstab, async (text) => {
      for (const directory of [tree, normal]) rmSync(directory, { recursive: true, force: true });
      for (const directory of [join(tree, 'etc'), normal])
        mkdirSync(directory, { recursive: true });
      const path = join(tree, 'etc/fstab');
      writeFileSync(path, `${text}\n`);
      const generator = 'lib/systemd/system-generators/systemd-fstab-generator';
      trixieSystemd(generator, [normal, normal, normal], {
        tree: normal,
        environment: { SYSTEMD_FSTAB: path },
      });
      const root = openRoot(tree);
      const units = fstabUnits(root, '/etc');
      root.close();
      for (const { name, entries, links } of units) {
        assert.deepEqual(
          entries.map(({ key, value }) => `${key}=${value}`).sort(),
          startsOf(join(normal, name)),
          name,
        );
        assert.deepEqual(links.map(withoutKind).toSorted(), linksTo(normal, name), name);
      }
      const lines = text.split('\n').filter((one) => /^[^#].*x-systemd/.test(one));
      assert.equal(units.filter(({ name }) => name.endsWith('.mount')).length, lines.length);
    }),
  );
});

/** What a unit names in `Requires=` and `Wants=`, but for the checks of file systems. */
function startsOf(path: string): readonly string[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines
    .filter((text) => /^(?:Requires|Wants)=/.test(text))
    .flatMap((text) => {
      const [key, value = ''] = text.split('=', 2);
      return value.split(' ').map((unit) => `${key}=${unit}`);
    })
    .filter((text) => !text.includes('systemd-fsck'))
    .sort();
}

/** The links to a unit. */
function linksTo(normal: string, name: string): readonly string[] {
  return readdirSync(normal, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:wants|requires)\/.*mount$/.test(path))
    .filter((path) => path.endsWith(`/${name}`))
    .map(withoutKind)
    .sort();
}

/** A link without its kind: `nofail` makes a dependency weaker, and both kinds start the unit. */
function withoutKind(link: string): string {
  return link.replace(/\.(?:wants|requires)\//, '/');
}
