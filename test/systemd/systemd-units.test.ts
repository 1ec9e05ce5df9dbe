import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { etcDirectory } from '../../src/systemd/etc.ts';
import type { GeneratedUnit, SystemdUnits } from '../../src/systemd/systemd-unit.ts';
import { readSystemdUnits } from '../../src/systemd/systemd-units.ts';
import type { Manager } from '../../src/systemd/unit-search-path.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { rootOf, type Tree } from '../support/tree.ts';

const usr = '/usr/lib/systemd/system';
const etc = '/etc/systemd/system';

interface Options {
  readonly manager?: Manager;
  readonly generated?: readonly GeneratedUnit[];
}

function unitsOf(t: TestContext, tree: Tree, options: Options = {}): SystemdUnits {
  const root = rootOf(t, tree);
  const { manager = 'system', generated = [] } = options;
  return readSystemdUnits(root, etcDirectory(root), {
    manager,
    generated,
    architecture: 'x86-64',
  });
}

/** A service with a text in `User=` that tells from which file it comes. */
const named = (user: string) => `[Service]\nUser=${user}\n`;

function users(units: SystemdUnits, name: string): string[] | undefined {
  return units
    .unit(name)
    ?.entries.filter(({ key }) => key === 'User')
    .map(({ value }) => value);
}

function generatedUnit(name: string, links: readonly string[] = []): GeneratedUnit {
  const path = `/usr/share/containers/systemd/${name.replace('.service', '.container')}`;
  const entry = { group: 'Service', key: 'User', value: 'generated', path, line: 2 };
  return { name, path, realPath: path, entries: [entry], links };
}

test('the first file in the search path counts', (t) => {
  const units = unitsOf(t, {
    [`${etc}.control/a.service`]: named('control'),
    [`${etc}/a.service`]: named('etc'),
    [`${etc}/b.service`]: named('etc'),
    '/run/systemd/system/b.service': named('run'),
    '/run/systemd/system/c.service': named('run'),
    '/usr/local/lib/systemd/system/d.service': named('local'),
    [`${usr}/d.service`]: named('usr'),
    [`${usr}/e.service`]: named('usr'),
    '/lib/systemd/system/e.service': named('lib'),
  });
  assert.deepEqual(
    Array.from(units.services(), ({ name }) => `${name} ${users(units, name)?.join()}`),
    ['a.service control', 'b.service etc', 'c.service run', 'd.service local', 'e.service usr'],
  );
  assert.equal(units.unit('none.service'), undefined);
  assert.deepEqual(units.problems, []);
});

test('units of user managers are found', (t) => {
  const units = unitsOf(
    t,
    {
      [`${usr}/a.service`]: named('system'),
      '/usr/lib/systemd/user/b.service': named('usr'),
      '/usr/share/systemd/user/b.service': named('share'),
      '/etc/systemd/user/c.service': named('etc'),
      '/etc/xdg/systemd/user': '-> ../../systemd/user',
    },
    { manager: 'user' },
  );
  assert.deepEqual(
    Array.from(units.services(), ({ name, path }) => `${name} ${path}`),
    ['b.service /usr/share/systemd/user/b.service', 'c.service /etc/xdg/systemd/user/c.service'],
  );
});

test('a link to /dev/null or an empty file masks a unit if it comes first', (t) => {
  const units = unitsOf(t, {
    [`${etc}/a.service`]: '-> /dev/null',
    [`${usr}/a.service`]: named('usr'),
    [`${etc}/b.service`]: '',
    [`${usr}/b.service`]: named('usr'),
    [`${etc}/c.service`]: '-> ../../../dev/null',
    [`${usr}/d@.service`]: '-> /dev/null',
    [`${usr}/e.service`]: named('usr'),
  });
  const masked = (name: string) => units.unit(name)?.masked;
  assert.deepEqual(
    ['a', 'b', 'c', 'd@x', 'e'].map((name) => masked(`${name}.service`)),
    [true, true, true, true, false],
  );
});

test('generated units rank between /run and /usr, and have links and drop-ins', (t) => {
  const generated = [
    generatedUnit('a.service', ['multi-user.target.wants/a.service', 'alias.service']),
    generatedUnit('b.service'),
    generatedUnit('c.service'),
  ];
  const tree = {
    [`${etc}/b.service`]: named('etc'),
    [`${usr}/c.service`]: named('usr'),
    [`${etc}/a.service.d/x.conf`]: named('drop-in'),
    [`${usr}/multi-user.target`]: '[Unit]\nWants=z.service',
  };
  const units = unitsOf(t, tree, { generated });
  assert.deepEqual(users(units, 'alias.service'), ['generated', 'drop-in']);
  assert.equal(units.unit('alias.service')?.name, 'a.service');
  assert.equal(units.unit('a.service')?.path, '/usr/share/containers/systemd/a.container');
  assert.deepEqual(users(units, 'b.service'), ['etc']);
  assert.deepEqual(users(units, 'c.service'), ['generated']);
  const target = units.unit('multi-user.target');
  assert.deepEqual(target && units.linked(target), ['a.service']);
});

test('aliases follow the text of links, within one type, in chains but not in circles', (t) => {
  const units = unitsOf(t, {
    [`${usr}/a.service`]: named('a'),
    [`${etc}/b.service`]: `-> ${usr}/a.service`,
    [`${etc}/c.service`]: '-> b.service',
    [`${etc}/d.target`]: `-> ${usr}/a.service`,
    [`${etc}/e.service`]: '-> f.service',
    [`${etc}/f.service`]: '-> e.service',
    [`${etc}/g.service`]: '-> /opt/other.service',
    '/opt/other.service': named('g'),
    [`${etc}/h.service`]: `-> ${usr}/h.service`,
    [`${usr}/h.service`]: named('h'),
    [`${usr}/t@.service`]: named('t'),
    [`${etc}/s@.service`]: `-> ${usr}/t@.service`,
    [`${etc}/r@one.service`]: `-> ${usr}/t@.service`,
    [`${etc}/p.service`]: `-> ${usr}/t@one.service`,
    '/lib': '-> usr/lib',
    [`${etc}/i.service`]: '-> /lib/systemd/system/a.service',
  });
  const name = (of: string) => units.unit(of)?.name;
  assert.equal(name('c.service'), 'a.service');
  assert.equal(name('i.service'), 'a.service');
  assert.equal(name('d.target'), undefined);
  assert.equal(name('e.service'), undefined);
  assert.deepEqual([name('g.service'), users(units, 'g.service')], ['g.service', ['g']]);
  assert.deepEqual(users(units, 'h.service'), ['h']);
  assert.equal(name('s@x.service'), 't@x.service');
  assert.equal(name('r@one.service'), 't@one.service');
  assert.equal(name('p.service'), undefined);
  const services = Array.from(units.services(), (unit) => unit.name);
  assert.deepEqual(services, ['a.service', 'g.service', 'h.service', 't@.service']);
});

test('drop-ins of all names of a unit apply in order, the first file of a name counting', (t) => {
  const units = unitsOf(t, {
    [`${usr}/app-web@.service`]: named('file'),
    [`${etc}/other@.service`]: `-> ${usr}/app-web@.service`,
    [`${usr}/app-web@eu.service.d/50.conf`]: named('instance'),
    [`${usr}/app-web@.service.d/40.conf`]: named('template'),
    [`${usr}/app-.service.d/30.conf`]: named('truncated'),
    [`${usr}/service.d/20.conf`]: named('type'),
    [`${usr}/other@.service.d/10.conf`]: named('alias'),
    [`${usr}/app-web@.service.d/50.conf`]: named('hidden'),
    [`${usr}/app-web@.service.d/60.conf`]: named('masked'),
    [`${etc}/app-web@eu.service.d/60.conf`]: '-> /dev/null',
    [`${etc}/app-.service.d/30.conf`]: named('earlier directory'),
    [`${usr}/app-web@.service.d/70.txt`]: named('no drop-in'),
  });
  assert.deepEqual(users(units, 'app-web@eu.service'), [
    'file',
    'alias',
    'type',
    'earlier directory',
    'template',
    'instance',
  ]);
  assert.deepEqual(units.problems, []);
});

test('links in /usr/etc are read as written for /etc', (t) => {
  const units = unitsOf(t, {
    '/usr/etc/systemd/system/b.service': '-> ../../../usr/lib/systemd/system/a.service',
    '/usr/etc/systemd/system/c.service': '-> ../../../dev/null',
    '/usr/etc/systemd/system/d.service': '-> /etc/systemd/system/own.service',
    '/usr/etc/systemd/system/own.service': named('own'),
    '/usr/etc/systemd/system/x.target.wants/a.service': '-> ../../../../dev/null',
    '/usr/etc/systemd/system/x.target.wants/own.service': '-> ../own.service',
    '/usr/etc/systemd/system/x.target': '[Unit]\nWants=y.service',
    [`${usr}/x.target.wants/a.service`]: '-> ../a.service',
    [`${usr}/a.service`]: named('a'),
  });
  assert.equal(units.unit('b.service')?.name, 'a.service');
  assert.equal(units.unit('c.service')?.masked, true);
  assert.equal(units.unit('d.service')?.name, 'own.service');
  const target = units.unit('x.target');
  assert.deepEqual(target && units.linked(target), ['own.service']);
});

test('an unreadable file is a problem of its unit and hides no other unit', (t) => {
  const units = unitsOf(t, {
    [`${usr}/a.service`]: '-> /nowhere/a.service',
    [`${usr}/b.service`]: '[Service\n',
    [`${usr}/c.service`]: named('c'),
    [`${usr}/c.service.d/1.conf`]: '[Service]\nUser=d\n[',
    [`${usr}/c.service.d/2.conf`]: '-> /nowhere/2.conf',
    [`${usr}/d.service/file`]: 'a directory',
    [`${usr}/e.service`]: Buffer.alloc(2 * 1024 * 1024),
    [`${usr}/f.service.d`]: '-> c.service',
    [`${usr}/f.service`]: named('f'),
  });
  assert.deepEqual(
    Array.from(units.services(), ({ name }) => `${name} ${users(units, name)?.join()}`),
    ['c.service c,d', 'f.service f'],
  );
  assert.deepEqual(
    units.problems.map(({ code, path, subject }) => `${code} ${path} ${subject?.unit}`),
    [
      `dangling-link ${usr}/a.service a.service`,
      `unit-syntax ${usr}/b.service b.service`,
      `unit-syntax ${usr}/c.service.d/1.conf c.service`,
      `dangling-link ${usr}/c.service.d/2.conf c.service`,
      `too-large ${usr}/e.service e.service`,
      `not-a-directory ${usr}/f.service.d f.service`,
    ],
  );
});

test('one drop-in directory for thousands of units reaches a limit', (t) => {
  limitCpu(t, 60);
  const tree: Record<string, string> = {};
  for (let i = 0; i < 2_000; i++) tree[`${usr}/s${i}.service`] = named('x');
  for (let i = 0; i < 3_000; i++) tree[`${usr}/service.d/${i}.conf`] = named('x');
  const units = unitsOf(t, tree);
  assert.equal([...units.services()].length, 2_000);
  assert.ok(units.problems.every(({ code }) => code === 'too-many-entries'));
});

test('an instance with a file of its own has no aliases of its template', (t) => {
  const units = unitsOf(t, {
    [`${etc}/a@.service`]: named('template'),
    [`${etc}/a@own.service`]: named('own'),
    [`${etc}/alias@.service`]: '-> a@.service',
    [`${etc}/alias@.service.d/x.conf`]: named('alias'),
  });
  assert.deepEqual(users(units, 'a@own.service'), ['own']);
  assert.deepEqual(users(units, 'a@other.service'), ['template', 'alias']);
});

test('a link from an instance to its template is that instance', (t) => {
  const units = unitsOf(t, {
    [`${usr}/a@.service`]: named('template'),
    [`${etc}/a@one.service`]: `-> ${usr}/a@.service`,
    [`${etc}/a@two.service`]: `-> ${usr}/b@.service`,
    [`${usr}/b@.service`]: named('other'),
  });
  const services = Array.from(units.services(), ({ name }) => name);
  assert.deepEqual(services, ['a@.service', 'a@one.service', 'b@.service']);
  assert.equal(units.unit('a@one.service')?.name, 'a@one.service');
  assert.equal(units.unit('a@two.service')?.name, 'b@two.service');
});

test('of several generated units with one alias the last one has it', (t) => {
  const generated = ['a', 'b'].map((name) => generatedUnit(`${name}.service`, ['alias.service']));
  const units = unitsOf(t, {}, { generated });
  assert.equal(units.unit('alias.service')?.name, 'b.service');
});
