import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { shortNamesOf } from '../../src/discovery/engines/short-names.ts';
import { fullName } from '../../src/image/name.ts';
import { type ShortNames, withoutRemembered } from '../../src/image/short-names.ts';
import { readRegistriesConf, readShortNames } from '../../src/registry/registries-conf.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { fails } from '../support/registry-client.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { tree } from './tree.ts';

const user = { userDirectory: '/home/u/.config/containers' };

test('a root without registries.conf knows no short names, and that is no problem', async (t) => {
  const { shortNames, problems } = await readShortNames(tree(t, { 'etc/os-release': '' }));
  assert.deepEqual(shortNames.searchRegistries, []);
  assert.deepEqual(Object.keys(shortNames.aliases), []);
  assert.deepEqual(problems, []);
});

test('drop-ins come after the main file, by name, and an empty alias takes one away', async (t) => {
  const root = tree(t, {
    'etc/containers/registries.conf':
      'unqualified-search-registries = ["a.example", "b.example"]\n[aliases]\nx = "main.example/x"\ngone = "main.example/g"\n',
    'etc/containers/registries.conf.d/20.conf': '[aliases]\nx = "twenty.example/x"\ngone = ""\n',
    'etc/containers/registries.conf.d/10.conf':
      'unqualified-search-registries = ["c.example:5000"]\n[aliases]\nx = "ten.example/x"\ny = "ten.example/y"\n',
    'etc/containers/registries.conf.d/30.toml': '[aliases]\nx = "no.example/x"\n',
  });
  const { shortNames, problems } = await readShortNames(root);
  assert.deepEqual(problems, []);
  assert.deepEqual(shortNames.searchRegistries, ['c.example:5000']);
  assert.deepEqual({ ...shortNames.aliases }, { x: 'twenty.example/x', y: 'ten.example/y' });
});

test('remembered aliases come before those of registries.conf, and empty ones mean none', async (t) => {
  const root = tree(t, {
    'etc/containers/registries.conf':
      'unqualified-search-registries = ["s.example"]\n[aliases]\na = "conf.example/a"\nb = "conf.example/b"\nd = "conf.example/d"\n',
    'var/cache/containers/short-name-aliases.conf':
      '[aliases]\na = ""\nb = "mem.example/b"\nc = "mem.example/c"\n',
    'home/eve/.cache/containers/short-name-aliases.conf': '[aliases]\na = "eve.example/a"\n',
  });
  const meanings = (shortNames: ShortNames) =>
    ['a', 'b', 'c', 'd'].map((name) => {
      const found = fullName(name, shortNames);
      return found.ok ? found.name.replace(':latest', '') : found.code;
    });
  const { shortNames, problems } = await readShortNames(root);
  assert.deepEqual(problems, []);
  const ofRoot = ['s.example/a', 'mem.example/b', 'mem.example/c', 'conf.example/d'];
  assert.deepEqual(meanings(shortNames), ofRoot);
  const ofUsers = ['conf.example/a', 'conf.example/b', 's.example/c', 'conf.example/d'];
  assert.deepEqual(meanings(withoutRemembered(shortNames)), ofUsers);
  assert.deepEqual(meanings(shortNamesOf('podman:eve', shortNames)), ofUsers);
  assert.deepEqual(meanings(shortNamesOf('podman', shortNames)), ofRoot);
  const ofEve = await readShortNames(root, undefined, '/home/eve/.cache');
  assert.equal(meanings(ofEve.shortNames)[0], 'eve.example/a');
});

test('remembered aliases that podman can’t read are a problem', async (t) => {
  const path = '/var/cache/containers/short-name-aliases.conf';
  const { problems } = await readShortNames(tree(t, { [path.slice(1)]: '[aliases\n' }));
  assert.deepEqual(
    problems.map(({ code, path: at }) => `${code} ${at}`),
    [`registries-conf ${path}`],
  );
});

test('an empty list of search registries takes an earlier one away', async (t) => {
  const { shortNames } = await readShortNames(
    tree(t, {
      'etc/containers/registries.conf': 'unqualified-search-registries = ["a.example"]',
      'etc/containers/registries.conf.d/1.conf': 'unqualified-search-registries = []',
    }),
  );
  assert.deepEqual(shortNames.searchRegistries, []);
});

test('files in /etc replace the vendor’s files of the same name', async (t) => {
  const root = tree(t, {
    'usr/share/containers/registries.conf': 'unqualified-search-registries = ["vendor.example"]',
    'usr/share/containers/registries.conf.d/00.conf':
      '[aliases]\na = "v.example/a"\nb = "v.example/b"',
    'usr/share/containers/registries.conf.d/50.conf':
      '[aliases]\nc = "v.example/c"\nd = "v.example/d"',
    'etc/containers/registries.conf.d/00.conf': '[aliases]\na = "etc.example/a"',
    'etc/containers/registries.conf.d/10.conf': '[aliases]\nc = "etc.example/c"',
  });
  const { shortNames } = await readShortNames(root);
  assert.deepEqual(shortNames.searchRegistries, ['vendor.example']);
  assert.deepEqual(
    { ...shortNames.aliases },
    { a: 'etc.example/a', c: 'v.example/c', d: 'v.example/d' },
  );
});

test('a tree that was never booted has its /etc in /usr/etc', async (t) => {
  const files = { 'usr/etc/containers/registries.conf': '[aliases]\nx = "usr.example/x"' };
  const { shortNames } = await readShortNames(tree(t, files));
  assert.deepEqual({ ...shortNames.aliases }, { x: 'usr.example/x' });
  const booted = { ...files, 'etc/containers/registries.conf': '' };
  assert.deepEqual({ ...(await readShortNames(tree(t, booted))).shortNames.aliases }, {});
});

const faults: Readonly<Record<string, readonly [string, number | undefined, RegExp]>> = {
  'no TOML': ['\n\nx = [', 3, /./],
  'a key twice': ['[aliases]\nx = "a.example/x"\nx = "b.example/x"', 3, /./],
  'a wrong type': ['unqualified-search-registries = "a.example"', undefined, /unqualified-search/],
  'a search registry with a path': ['unqualified-search-registries = ["a/b"]', undefined, /HOST/],
  'version 1': ['[registries.search]\nregistries = ["a.example"]', undefined, /version 1/],
  'an empty rule': ['[[registry]]\ninsecure = true', undefined, /prefix or a location/],
  'a scheme': ['[[registry]]\nlocation = "https://a.example"', undefined, /scheme/],
  'a wildcard inside and no location': [
    '[[registry]]\nprefix = "a.*.example"',
    undefined,
    /a location/,
  ],
  'a wildcard with a path': ['[[registry]]\nprefix = "*.example/x"', undefined, /\*\.example\.com/],
  'a prefix alone': ['[[registry]]\nprefix = "a.example"', undefined, /a location/],
  'one location in two ways': [
    '[[registry]]\nlocation = "a.b"\n[[registry]]\nlocation = "a.b"\nprefix = "c.d"\nblocked = true',
    undefined,
    /one value of insecure and blocked for "a\.b"/,
  ],
  'a mirror that is nowhere': [
    '[[registry]]\nlocation = "a.b"\n[[registry.mirror]]\ninsecure = true',
    undefined,
    /a location in \[\[registry\.mirror\]\]/,
  ],
  'a mirror’s key at a registry': [
    '[[registry]]\nlocation = "a.b"\npull-from-mirror = "all"',
    undefined,
    /only in a \[\[registry\.mirror\]\]/,
  ],
  'a mirror for what there is not': [
    '[[registry]]\nlocation = "a.b"\n[[registry.mirror]]\nlocation = "c.d"\npull-from-mirror = "x"',
    undefined,
    /pull-from-mirror/,
  ],
  'two ways to say what mirrors are for': [
    '[[registry]]\nlocation = "a.b"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "c.d"\npull-from-mirror = "all"',
    undefined,
    /found both/,
  ],
  'an unknown mode': ['short-name-mode = "x"', undefined, /short-name-mode/],
  'an alias for a tag': ['[aliases]\nx = "a.example/x:1"', undefined, /alias/],
  'an alias for a short name': ['[aliases]\nx = "a/x"', undefined, /alias/],
  'an alias of a full name': ['[aliases]\n"b.example/x" = "a.example/x"', undefined, /alias/],
};

for (const [what, [content, line, message]] of Object.entries(faults)) {
  test(`a file with ${what}: a problem of a root, an error of the host`, async (t) => {
    const path = '/etc/containers/registries.conf.d/5.conf';
    const root = tree(t, {
      [path.slice(1)]: content,
      'etc/containers/registries.conf': '[aliases]\nx = "a.example/x"',
    });
    const { shortNames, problems } = await readShortNames(root);
    const [problem, ...more] = problems;
    assert.deepEqual(more, []);
    assert.equal(problem?.path, path);
    assert.equal(problem.line, line);
    assert.match(problem.message, message);
    assert.deepEqual({ ...shortNames.aliases }, { x: 'a.example/x' }, 'the other files count');
    const error = await fails(readRegistriesConf(root, user), 'registry-config');
    assert.ok(error.message.startsWith(path), error.message);
    assert.equal(error.kind, 'usage');
  });
}

test('something other than a file does not block, and is a problem', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'etc/containers/registries.conf.d');
  execFileSync('mkdir', ['-p', path]);
  execFileSync('mkfifo', [join(path, '1.conf')]);
  execFileSync('ln', ['-s', '/nowhere', join(path, '2.conf')]);
  execFileSync('mkdir', [join(path, '3.conf')]);
  const root = openRoot(directory);
  t.after(() => root.close());
  const { problems } = await readShortNames(root);
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['/etc/containers/registries.conf.d/1.conf'],
  );
});

const rules = (prefix: string, location: string) =>
  `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n`;

test('for two rules with one prefix the later file counts, and in it the first rule', async (t) => {
  const host = tree(t, {
    'etc/containers/registries.conf': `${rules('a.example/', 'one.example/')}${rules('b.example', 'b')}`,
    'etc/containers/registries.conf.d/1.conf': `${rules('a.example', 'two.example')}insecure = true\n${rules('a.example', 'three.example')}`,
    'home/u/.config/containers/registries.conf.d/0.conf': '[[registry]]\nlocation = "c.example"',
  });
  const off = { insecure: false, blocked: false, mirrors: [] };
  assert.deepEqual((await readRegistriesConf(host, user)).rules, [
    { prefix: 'a.example', location: 'two.example', ...off, insecure: true },
    { prefix: 'b.example', location: 'b', ...off },
    { prefix: 'c.example', location: 'c.example', ...off },
  ]);
});

test('a user’s main file takes the place of the system’s files', async (t) => {
  const host = tree(t, {
    'etc/containers/registries.conf': rules('a.example', 'a'),
    'etc/containers/registries.conf.d/1.conf': rules('b.example', 'b'),
    'home/u/.config/containers/registries.conf': rules('c.example', 'c'),
    'home/u/.config/containers/registries.conf.d/1.conf': rules('d.example', 'd'),
    'srv/r.conf': rules('e.example', 'e'),
  });
  const prefixes = async (paths: Parameters<typeof readRegistriesConf>[1]) =>
    (await readRegistriesConf(host, paths)).rules.map(({ prefix }) => prefix);
  assert.deepEqual(await prefixes(user), ['c.example', 'd.example']);
  assert.deepEqual(await prefixes({ ...user, registriesConf: '/srv/r.conf' }), [
    'e.example',
    'b.example',
    'd.example',
  ]);
  const missing = readRegistriesConf(host, { ...user, registriesConf: '/srv/none.conf' });
  assert.match((await fails(missing, 'registry-config')).message, /CONTAINERS_REGISTRIES_CONF/);
});

test('version 1 still works in the main file', async (t) => {
  const list = (what: string, ...names: string[]) =>
    `[registries.${what}]\nregistries = ${JSON.stringify(names)}\n`;
  const read = async (content: string) => {
    const host = tree(t, { 'etc/containers/registries.conf': content });
    const { rules } = await readRegistriesConf(host, user);
    const { searchRegistries } = (await readShortNames(host)).shortNames;
    return { searchRegistries, rules };
  };
  const lists = list('search', 's.example') + list('insecure', 'i.example/', 'b.example');
  const rule = { insecure: true, mirrors: [] };
  assert.deepEqual(await read(lists + list('block', 'b.example')), {
    searchRegistries: ['s.example'],
    rules: [
      { prefix: 'b.example', location: 'b.example', blocked: true, ...rule },
      { prefix: 'i.example', location: 'i.example', blocked: false, ...rule },
    ],
  });
  await fails(read(`credential-helpers = []\n${lists}`), 'registry-config');
  await fails(read(list('block', 'http://b.example')), 'registry-config');
});

test('mirrors, and who is asked for credentials', async (t) => {
  const mirror = (location: string, more = '') =>
    `[[registry.mirror]]\nlocation = "${location}"\n${more}`;
  const host = tree(t, {
    'etc/containers/registries.conf': [
      'credential-helpers = ["secretservice"]',
      `[[registry]]\nlocation = "a.b"\n${mirror('m.a')}`,
      mirror('m.b', 'insecure = true\npull-from-mirror = "tag-only"'),
      `[[registry]]\nlocation = "c.d"\nmirror-by-digest-only = true\n${mirror('m.c')}`,
    ].join('\n'),
    'etc/containers/registries.conf.d/1.conf': 'credential-helpers = ["containers-auth.json"]',
  });
  const { rules, credentialHelpers } = await readRegistriesConf(host, user);
  assert.deepEqual(credentialHelpers, ['containers-auth.json']);
  assert.deepEqual(
    rules.map(({ mirrors }) => mirrors),
    [
      [
        { location: 'm.a', insecure: false, use: 'all' },
        { location: 'm.b', insecure: true, use: 'tag-only' },
      ],
      [{ location: 'm.c', insecure: false, use: 'digest-only' }],
    ],
  );
});

test('drop-ins behind a link are not read, as by engines', async (t) => {
  const directory = temporaryDirectory(t);
  execFileSync('mkdir', ['-p', join(directory, 'etc/containers'), join(directory, 'd')]);
  execFileSync('ln', ['-s', '/d', join(directory, 'etc/containers/registries.conf.d')]);
  writeFileSync(join(directory, 'd/1.conf'), '[[registry]]\nlocation = "a.b"');
  const root = openRoot(directory);
  t.after(() => root.close());
  assert.deepEqual((await readRegistriesConf(root, user)).rules, []);
});
