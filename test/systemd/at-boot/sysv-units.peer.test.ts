import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openRoot } from '../../../src/root/open-root.ts';
import { sysvUnits } from '../../../src/systemd/at-boot/sysv-units.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { trixieSystemd } from '../../support/trixie.ts';

const scripts = ['app', 'db.sh', 'web-1', '.hidden', 'native', 'native-too.sh'];
const level = fc.constantFrom(
  'rc0.d',
  'rc1.d',
  'rc2.d',
  'rc3.d',
  'rc4.d',
  'rc5.d',
  'rc6.d',
  'rcS.d',
);
const link = fc.tuple(
  level,
  fc.constantFrom('S01', 'K01', 'S99', 'S1', 'X01'),
  fc.constantFrom(...scripts),
);

test('scripts of init.d become the services that systemd’s generator makes', async (t) => {
  const base = temporaryDirectory(t);
  const [tree, late] = [join(base, 'tree'), join(base, 'late')];
  let count = 0;
  await holds(
    40,
    fc.asyncProperty(
      fc.subarray(scripts),
      fc.array(link, { maxLength: 8 }),
      async (made, links) => {
        for (const directory of [tree, late]) rmSync(directory, { recursive: true, force: true });
        const native = join(tree, 'usr/lib/systemd/system');
        for (const directory of [join(tree, 'etc/init.d'), native, late]) {
          mkdirSync(directory, { recursive: true });
        }
        for (const name of made) {
          const path = join(tree, 'etc/init.d', name);
          writeFileSync(path, '#!/bin/sh\n', { mode: 0o755 });
        }
        for (const name of ['native', 'native-too'])
          writeFileSync(join(native, `${name}.service`), '');
        for (const [directory, prefix, name] of links) {
          const path = join(tree, 'etc', directory, `${prefix}${name}`);
          mkdirSync(join(tree, 'etc', directory), { recursive: true });
          rmSync(path, { force: true });
          symlinkSync(`../init.d/${name}`, path);
        }
        trixieSystemd('lib/systemd/system-generators/systemd-sysv-generator', [late, late, late], {
          tree: late,
          environment: {
            SYSTEMD_SYSVINIT_PATH: join(tree, 'etc/init.d'),
            SYSTEMD_SYSVRCND_PATH: join(tree, 'etc'),
            SYSTEMD_UNIT_PATH: native,
          },
        });
        const root = openRoot(tree);
        const units = sysvUnits(root, '/etc', []);
        root.close();
        const expected = readdirSync(late).filter((name) => name.endsWith('.service'));
        assert.deepEqual(units.map(({ name }) => name).toSorted(), expected.toSorted());
        const startedBy = readdirSync(late, { recursive: true, encoding: 'utf8' }).filter((path) =>
          /^(?:multi-user|graphical)\.target\.wants\/./.test(path),
        );
        assert.deepEqual(units.flatMap((unit) => unit.links).toSorted(), startedBy.toSorted());
        for (const { name, entries } of units) {
          const text = readFileSync(join(late, name), 'utf8').replaceAll(tree, '');
          for (const { key, value } of entries)
            assert.ok(text.includes(`${key}=${value}\n`), `${name} ${key}`);
          count++;
        }
      },
    ),
  );
  t.diagnostic(`${count} services`);
});
