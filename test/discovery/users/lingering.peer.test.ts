import assert from 'node:assert/strict';
import {
  cpSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { lingeringUsers } from '../../../src/discovery/users/lingering.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { type Tree, writeTree } from '../../support/tree.ts';
import { trixieSystemd } from '../../support/trixie.ts';

const directory = '/var/lib/systemd/linger';

const names = ['eve', 'bob', 'svc', 'acme', 'x64', 'a.b', 'user-1'];

const plain = names.map((name) => `${directory}/${name}`);

/** Paths that systemd reads in a special way, or refuses. */
const odd = [
  `"${directory}/eve"`,
  `'${directory}/bob'`,
  `${directory}/%o`,
  `/var/lib//systemd/linger/eve/`,
  `/var/lib/systemd/./linger/bob`,
  `${directory}/\\x65ve`,
  `${directory}/eve/deep`,
  `${directory}/%i`,
  `${directory}/%u`,
  `${directory}/.hidden`,
  `var/lib/systemd/linger/bob`,
  '/var/lib/systemd/other/eve',
];

const patterns = [`${directory}/*`, `${directory}/[eb]*`, '/var/lib/*/linger/?ob'];

const lineOf = (types: readonly string[], paths: readonly string[]) =>
  fc
    .record({
      type: fc.constantFrom(...types),
      path: fc.constantFrom(...paths),
      modifiers: fc.constantFrom('', '', '', '+', '!', '-', '?', 'q'),
      mode: fc.constantFrom('-', '0644', '0755', 'bad'),
      argument: fc.constantFrom('', '-', '/etc/os-release', '/nowhere', '/usr/share/linger'),
    })
    .map(
      ({ type, path, modifiers, mode, argument }) =>
        `${type}${modifiers} ${path} ${mode} - - - ${argument}`,
    );

const fileTypes = ['f', 'F', 'f', 'L', 'C', 'w', 'r', 'd', 'D', 'R', 'z'];
const parents = [directory, '/var/lib/systemd'];

const lines = fc.oneof(
  { weight: 6, arbitrary: lineOf(fileTypes, plain) },
  { weight: 2, arbitrary: lineOf(fileTypes, odd) },
  { weight: 1, arbitrary: lineOf(['r', 'x'], patterns) },
  { weight: 1, arbitrary: lineOf(['d', 'D', 'r'], parents) },
  { weight: 1, arbitrary: fc.constantFrom('', '# f x', 'f') },
);

const file = fc.array(lines, { maxLength: 4 });

/** Lines for the directory as a whole; mixed with lines for files they get in each other's way. */
const whole = fc.array(lineOf(['L', 'C', 'D'], [directory]), { maxLength: 1 });

const filesOf = (content: fc.Arbitrary<readonly string[]>) =>
  fc.dictionary(
    fc.constantFrom(
      '/usr/lib/tmpfiles.d/a.conf',
      '/etc/tmpfiles.d/a.conf',
      '/usr/lib/tmpfiles.d/b.conf',
      '/usr/lib/tmpfiles.d/c.txt',
    ),
    content,
    { minKeys: 1 },
  );

const tree: fc.Arbitrary<Tree> = fc
  .record({
    there: fc.subarray(names, { maxLength: 2 }),
    files: fc.oneof(
      { weight: 4, arbitrary: filesOf(file) },
      { weight: 1, arbitrary: whole.map((text) => ({ '/usr/lib/tmpfiles.d/a.conf': text })) },
    ),
    factory: fc.boolean(),
  })
  .map(({ there, files, factory }) => ({
    '/etc/os-release': 'ID=acme\nVERSION_ID=1\n',
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    '/etc/group': 'root:x:0:\n',
    '/usr/share/linger/svc': '',
    ...(factory ? { [`/usr/share/factory${directory}/user-1`]: '' } : {}),
    ...Object.fromEntries(there.map((name) => [`${directory}/${name}`, ''])),
    ...Object.fromEntries(
      Object.entries(files).map(([at, lines]) => [at, `${lines.join('\n')}\n`]),
    ),
  }));

test('users linger whose files systemd-tmpfiles leaves at boot', async (t) => {
  const base = temporaryDirectory(t);
  const [shipped, booted] = [join(base, 'shipped'), join(base, 'booted')];
  await holds(
    60,
    fc.asyncProperty(tree, async (files) => {
      for (const place of [shipped, booted]) rmSync(place, { recursive: true, force: true });
      writeTree(shipped, files);
      cpSync(shipped, booted, { recursive: true, verbatimSymlinks: true });
      try {
        boot(booted);
      } catch {
        // systemd-tmpfiles fails if it can't carry out a line, after it has carried out the others.
      }
      const root = openRoot(shipped);
      const found = lingeringUsers({ root, etc: '/etc', architecture: 'x86-64' });
      root.close();
      assert.deepEqual(found.problems, []);
      assert.deepEqual([...found.names].sort(), usersIn(booted));
    }),
  );
});

test('a line of tmpfiles.d writes through no link to a file of the machine', (t) => {
  const base = temporaryDirectory(t);
  const [victim, booted] = [join(base, 'victim'), join(base, 'booted')];
  writeFileSync(victim, 'as it was');
  writeTree(booted, {
    '/usr/lib/tmpfiles.d/a.conf': `L /var/x - - - - ${victim}\nw /var/x - - - - other\n`,
    '/var/y': '',
  });
  assert.throws(() => boot(booted));
  assert.equal(lstatSync(join(booted, 'var/x')).isSymbolicLink(), true);
  assert.equal(readFileSync(victim, 'utf8'), 'as it was');
});

function boot(tree: string): void {
  const options = [`--root=${tree}`, '--create', '--remove', '--boot'];
  trixieSystemd('bin/systemd-tmpfiles', options, { tree });
}

/** The files that logind reads as users; a link of the directory itself is followed inside the tree. */
function usersIn(booted: string): readonly string[] {
  const place = join(booted, directory);
  const isLink = lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  const real = isLink ? join(booted, readlinkSync(place)) : place;
  if (statSync(real, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(real, { withFileTypes: true })
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}
