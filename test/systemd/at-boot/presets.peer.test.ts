import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openRoot } from '../../../src/root/open-root.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { type Tree, writeTree } from '../../support/tree.ts';
import { trixieSystemd } from '../../support/trixie.ts';

const usr = '/usr/lib/systemd/system';
const etc = '/etc/systemd/system';

const names = [
  'a.service',
  'b.service',
  'b-c.socket',
  'd@.service',
  'e@.service',
  'f.timer',
  'g@x.service',
];
const targets = ['multi-user.target', 'sockets.target', 'r@.target', 'r@one.target', 'x.target'];

/** The aliases of a unit; no two units claim the same one. */
const aliases = names.flatMap((name) => [`alias-${name}`, `second-${name.replace('@.', '@two.')}`]);

/**
 * Words of `Also=`. Not the templates whose instances presets enable: whether systemd then still does
 * so depends on the order of the directory.
 */
const also = [
  'a.service',
  'b.service',
  'b-c.socket',
  'g@x.service',
  'd@also.service',
  'none.service',
];

const someOf = (words: readonly string[]) => fc.subarray([...words], { maxLength: 3 });

/** Words of [Install], of which some are refused: specifiers, quotes and names that are none. */
const install = (name: string) =>
  fc
    .record({
      WantedBy: someOf([
        ...targets,
        '%p.target',
        '"quoted.target"',
        'bad',
        '%i.target',
        'r@%i.target',
      ]),
      RequiredBy: someOf([...targets, '']),
      UpheldBy: someOf(targets),
      Alias: someOf([`alias-${name}`, `second-${name.replace('@.', '@two.')}`, 'wrong.mount']),
      Also: someOf(also),
      DefaultInstance: fc.constantFrom([], [], ['dd']),
    })
    .map((keys) =>
      Object.entries(keys)
        .filter(([, words]) => words.length > 0)
        .map(([key, words]) => `${key}=${words.join(' ')}\n`)
        .join(''),
    );

const unitFile = (name: string) =>
  fc.tuple(fc.boolean(), install(name)).map(([isSplit, text]) => {
    const body = name.endsWith('.service') ? '[Service]\nExecStart=/bin/true\n' : '[Unit]\n';
    return isSplit
      ? { file: body, dropIn: `[Install]\n${text}` }
      : { file: `${body}[Install]\n${text}` };
  });

const rule = fc.oneof(
  fc
    .constantFrom(...names, '*', 'b*', '[a-c].service', '?.timer', '*@*', 'd@one.service')
    .chain((pattern) =>
      fc.constantFrom(`enable ${pattern}`, `disable ${pattern}`, `enable   ${pattern}  `),
    ),
  fc.constantFrom(
    'enable d@.service one two',
    'enable e@.service 1',
    'enable a.service junk',
    '# c',
    '; d',
    'nonsense',
    '',
  ),
);

const presetFile = fc.array(rule, { maxLength: 6 }).map((lines) => `${lines.join('\n')}\n`);

const tree: fc.Arbitrary<Tree> = fc
  .record({
    units: fc.tuple(...names.map((name) => fc.option(unitFile(name)))),
    inEtc: fc.subarray(names, { maxLength: 2 }),
    extra: fc.subarray(['mask', 'link', 'alias', 'wants']),
    presets: fc.dictionary(
      fc.constantFrom(
        'etc/systemd/system-preset/50-a.preset',
        'usr/lib/systemd/system-preset/50-a.preset',
        'usr/lib/systemd/system-preset/90-b.preset',
        'usr/lib/systemd/system-preset/not.conf',
      ),
      presetFile,
      { minKeys: 1 },
    ),
  })
  .map(({ units, inEtc, extra, presets }) => {
    const files: Record<string, string> = {
      '/etc/os-release': 'ID=acme\n',
      // Without any rule berth takes the units as they are.
      '/usr/lib/systemd/system-preset/99-last.preset': 'disable never.service\n',
    };
    for (const target of targets) files[`${usr}/${target.replace('@one', '@')}`] = '[Unit]\n';
    for (const [index, unit] of units.entries()) {
      const name = names[index] ?? '';
      if (unit === null) continue;
      files[`${inEtc.includes(name) ? etc : usr}/${name}`] = unit.file;
      if (unit.dropIn !== undefined) files[`${usr}/${name}.d/install.conf`] = unit.dropIn;
    }
    if (extra.includes('mask')) files[`${etc}/f.timer`] = '-> /dev/null';
    if (extra.includes('link')) {
      files['/opt/linked.service'] =
        '[Service]\n[Install]\nWantedBy=x.target\nAlias=of-linked.service\n';
      files[`${etc}/linked.service`] = '-> /opt/linked.service';
    }
    if (extra.includes('alias')) files[`${usr}/alias-a.service`] = '-> a.service';
    if (extra.includes('wants')) files[`${etc}/x.target.wants/a.service`] = '-> /dev/null';
    for (const [path, text] of Object.entries(presets)) files[`/${path}`] = text;
    return files;
  });

test('at a first boot the links are those of systemctl preset-all', async (t) => {
  const base = temporaryDirectory(t);
  const [fresh, booted] = [join(base, 'fresh'), join(base, 'booted')];
  await holds(
    60,
    fc.asyncProperty(tree, async (files) => {
      for (const directory of [fresh, booted]) rmSync(directory, { recursive: true, force: true });
      writeTree(fresh, files);
      cpSync(fresh, booted, { recursive: true, verbatimSymlinks: true });
      try {
        const options = [`--root=${booted}`, 'preset-all', '--preset-mode=enable-only'];
        trixieSystemd('bin/systemctl', options, { tree: booted });
      } catch {
        // systemctl fails if it can't enable one of the units, after it has enabled the others.
      }
      writeFileSync(join(booted, 'etc/machine-id'), `${'0'.repeat(32)}\n`);
      assert.deepEqual(meaning(fresh), meaning(booted));
    }),
  );
});

/** What each target starts, and what each name means. */
function meaning(directory: string): Record<string, unknown> {
  const root = openRoot(directory);
  const units = readSystemdUnits(root, '/etc', {
    manager: 'system',
    generated: [],
    architecture: 'x86-64',
  });
  const found: Record<string, unknown> = {};
  for (const target of [
    ...targets,
    'r@two.target',
    'a.target',
    'b-c.target',
    'quoted.target',
    'dd.target',
  ]) {
    const unit = units.unit(target);
    if (unit !== undefined) found[target] = [...units.linked(unit)].sort();
  }
  for (const name of [...names, ...aliases, 'of-linked.service', 'linked.service', 'wrong.mount']) {
    const unit = units.unit(name);
    found[name] = unit && `${unit.name} ${unit.path} ${unit.masked}`;
  }
  root.close();
  return found;
}
