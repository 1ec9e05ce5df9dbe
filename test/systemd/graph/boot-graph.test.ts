import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootGraph } from '../../../src/systemd/graph/boot-graph.ts';
import type { GeneratedUnit } from '../../../src/systemd/systemd-unit.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { rootOf, type Tree } from '../../support/tree.ts';
import { bootForest } from './boot-forest.ts';
import { base, commands, etc, graphOf, names, start, usr } from './graph-of.ts';

test('all ways to start a unit, and relations that start nothing', (t) => {
  const graph = graphOf(t, { ...base, ...bootForest });
  const by = (...of: string[]) =>
    Object.fromEntries(of.map((name) => [name, graph.startOf(`t-${name}.service`).activation]));
  const all = (activation: string, ...of: string[]) =>
    Object.fromEntries(of.map((name) => [name, activation]));
  const boot = names(`
    wanted key-wanted key-continued key-required key-bound key-upheld dir-required
    dir-upheld dangling-link of-alias over by-over real alias linked by-linked inst@
    inst@one of-one of-two other@one name-t-other by-drop-in by-truncated
    by-template-drop-in by-type-drop-in by-t-wanted by-earlier has-sockets both conditional
  `);
  assert.deepEqual(by(...boot), all('boot', ...boot));
  const none = names(`
    ordered also unwanted part requisite masked-link empty-file plain-file empty-target masked behind-mask
    empty broken behind-broken behind-over behind-no-alias other-one alone@ alone@x
    by-hidden-drop-in by-specific named unused second tim-unused never-linked not-there-at-all
  `);
  assert.deepEqual(by(...none), all('none', ...none));
  const socket = ['sock', 'by-sock', 'for-named', 'each@', 'each@any'];
  assert.deepEqual(by(...socket), all('socket', ...socket));
  assert.deepEqual(by('tim', 'by-tim', 'for-timer'), all('timer', 'tim', 'by-tim', 'for-timer'));
  assert.deepEqual(by('watched', 'for-path'), all('path', 'watched', 'for-path'));
});

test('units that start when another unit ends', (t) => {
  const oneshot = (unit: string) => `[Unit]\n${unit}\n[Service]\nType=oneshot\nExecStart=/bin/true`;
  const graph = graphOf(t, {
    ...base,
    [`${usr}/multi-user.target.wants/migrate.service`]: '-> ../migrate.service',
    [`${usr}/migrate.service`]: oneshot(
      'OnSuccess=app.service\nOnFailure=alert@%n.service both.service',
    ),
    [`${usr}/app.service`]: oneshot(
      'Wants=beside.service\nOnFailure=late.service\nOnSuccess=both.service',
    ),
    [`${usr}/alert@.service`]: oneshot('OnSuccess=after-alert.service'),
    ...Object.fromEntries(
      ['beside', 'late', 'both', 'after-alert', 'never'].map((name) => [
        `${usr}/${name}.service`,
        oneshot(''),
      ]),
    ),
    [`${usr}/unused.service`]: oneshot('OnSuccess=never.service'),
  });
  const chain = 'default.target multi-user.target migrate.service';
  assert.equal(start(graph, 'app.service'), `on-success ${chain} app.service`);
  assert.equal(start(graph, 'beside.service'), `on-success ${chain} app.service beside.service`);
  assert.equal(start(graph, 'both.service'), `on-success ${chain} app.service both.service`);
  assert.equal(start(graph, 'late.service'), `on-failure ${chain} app.service late.service`);
  const alert = 'alert@migrate.service.service';
  assert.equal(start(graph, alert), `on-failure ${chain} ${alert}`);
  assert.equal(
    start(graph, 'after-alert.service'),
    `on-failure ${chain} ${alert} after-alert.service`,
  );
  assert.equal(start(graph, 'never.service'), 'none');
});

test('entries of .wants that start nothing', (t) => {
  const graph = graphOf(t, {
    ...base,
    ...Object.fromEntries(
      Array.from('abcdefgh', String).map((name) => [
        `${usr}/${name}.service`,
        '[Service]\nExecStart=/bin/true',
      ]),
    ),
    [`${usr}/multi-user.target.wants/a.service`]: '',
    [`${usr}/multi-user.target.wants/b.service`]: 'no link',
    [`${usr}/multi-user.target.wants/c.service`]: '-> ../c.service',
    [`${etc}/multi-user.target.wants/c.service`]: '',
    [`${usr}/multi-user.target.wants/d.service`]: '-> /etc/empty',
    '/etc/empty': '',
    [`${usr}/multi-user.target.wants/e.service`]: '-> /nowhere',
    [`${usr}/multi-user.target.requires/f.service`]: '',
    [`${usr}/multi-user.target.wants/g.service`]: '-> ../g.service',
    [`${etc}/multi-user.target.wants/g.service/x`]: '',
    [`${usr}/multi-user.target.wants/h.service`]: '',
    [`${etc}/multi-user.target.wants/h.service`]: `-> ${usr}/h.service`,
  });
  const starting = Array.from('abcdefgh', String).filter(
    (name) => graph.startOf(`${name}.service`).activation === 'boot',
  );
  assert.deepEqual(starting, ['e', 'g', 'h']);
});

test('a link to the unit of a generator is that unit', (t) => {
  const generated = (name: string): GeneratedUnit => ({
    name: `${name}.service`,
    path: `/q/${name}.container`,
    realPath: `/q/${name}.container`,
    entries: [],
    links: [`multi-user.target.wants/${name}.service`],
  });
  const tree = {
    ...base,
    ...commands,
    [`${etc}/app.service`]: '-> /run/systemd/generator/app.service',
    [`${etc}/late.service`]: '-> /run/systemd/generator.late/late.service',
    [`${etc}/home.service`]: '-> /run/user/1000/systemd/generator/home.service',
    [`${etc}/web.service`]: '-> /run/systemd/generator/app.service',
  };
  const root = rootOf(t, tree);
  const units = readSystemdUnits(root, '/etc', {
    manager: 'system',
    generated: ['app', 'late', 'home'].map(generated),
    architecture: 'x86-64',
  });
  for (const name of ['app', 'late', 'home']) {
    assert.equal(units.unit(`${name}.service`)?.generated, true, name);
    assert.equal(bootGraph(units).startOf(`${name}.service`).activation, 'boot', name);
  }
  assert.equal(units.unit('web.service')?.name, 'app.service');
  assert.deepEqual(units.problems, []);
});

test('the shortest chain begins at default.target by its own name', (t) => {
  const graph = graphOf(t, {
    ...base,
    [`${usr}/a.service`]: '[Unit]\nWants=b.service',
    [`${usr}/b.service`]: '[Unit]\nWants=c.service a.service',
    [`${usr}/c.service`]: '[Unit]\nWants=a.service',
    [`${usr}/multi-user.target.wants/a.service`]: '-> ../a.service',
    [`${usr}/multi-user.target.wants/c.service`]: '-> ../c.service',
    [`${usr}/backup.timer`]: '[Timer]\nOnCalendar=daily',
    [`${usr}/timers.target.wants/backup.timer`]: '-> ../backup.timer',
    [`${usr}/backup.service`]: '[Unit]\nWants=c.service d.service',
    [`${usr}/d.service`]: '[Unit]\nDescription=x',
  });
  assert.equal(
    start(graph, 'b.service'),
    'boot default.target multi-user.target a.service b.service',
  );
  assert.equal(start(graph, 'c.service'), 'boot default.target multi-user.target c.service');
  const timers = 'timer default.target multi-user.target basic.target timers.target backup.timer';
  assert.equal(start(graph, 'backup.service'), `${timers} backup.service`);
  assert.equal(start(graph, 'd.service'), `${timers} backup.service d.service`);
});

test('a default.target with a file of its own, and no default.target at all', (t) => {
  const own = graphOf(t, {
    ...base,
    [`${etc}/default.target`]: '[Unit]\nWants=a.service\nDefaultDependencies=no',
    [`${usr}/a.service`]: '[Unit]\nDefaultDependencies=no',
    [`${usr}/s.service`]: '[Unit]\nDescription=x',
    [`${usr}/sysinit.target.wants/s.service`]: '-> ../s.service',
  });
  assert.equal(start(own, 'a.service'), 'boot default.target a.service');
  assert.equal(start(own, 's.service'), 'none');
  const without = graphOf(t, {
    [`${usr}/a.service`]: '[Unit]\nDescription=x',
    [`${etc}/b.service`]: '-> /dev/null',
  });
  assert.equal(start(without, 'a.service'), 'unknown');
  assert.equal(start(without, 'b.service'), 'none');
});

test('a unit that only an unreadable unit may start is unknown', (t) => {
  const tree = {
    ...base,
    [`${usr}/multi-user.target.wants/a.service`]: '-> ../a.service',
    [`${usr}/b.service`]: '[Unit]\nDescription=x',
    [`${usr}/c.service`]: '[Unit]\nDescription=x',
    [`${usr}/sysinit.target.wants/c.service`]: '-> ../c.service',
  };
  const tooLarge = Buffer.alloc(2 * 1024 * 1024, '#');
  const unread = graphOf(t, { ...tree, [`${usr}/a.service`]: tooLarge });
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => unread.startOf(`${name}.service`).activation),
    ['unknown', 'unknown', 'boot'],
  );
  const elsewhere = graphOf(t, { ...tree, [`${usr}/z.service`]: tooLarge });
  assert.equal(elsewhere.startOf('b.service').activation, 'none');
  const dropIn = graphOf(t, {
    ...tree,
    [`${usr}/multi-user.target.d/x.conf`]: tooLarge,
  });
  assert.equal(dropIn.startOf('b.service').activation, 'unknown');
  const directory = graphOf(t, { ...tree, '/run/systemd/system': 'a file' });
  assert.equal(directory.startOf('b.service').activation, 'unknown');
});

test('dependencies implied by systemd: sysinit.target, the bus, sockets, slices', (t) => {
  const graph = graphOf(t, {
    ...base,
    [`${etc}/default.target`]: '[Unit]\nWants=a.service',
    [`${usr}/a.service`]:
      '[Service]\nType=dbus\nBusName=org.a\nSockets=a-own.socket\nSlice=my.slice',
    [`${usr}/s.service`]: '[Unit]\nDescription=x',
    [`${usr}/sysinit.target.wants/s.service`]: '-> ../s.service',
    [`${usr}/dbus.socket`]: '[Unit]\nWants=with-bus.service',
    [`${usr}/with-bus.service`]: '[Unit]\nDescription=x',
    [`${usr}/a-own.socket`]: '[Socket]\nListenStream=/x',
    [`${usr}/a-own.service`]: '[Unit]\nDescription=x',
    [`${usr}/my.slice`]: '[Unit]\nWants=in-slice.service',
    [`${usr}/in-slice.service`]: '[Unit]\nDescription=x',
  });
  const of = (name: string) => graph.startOf(name).activation;
  assert.deepEqual(
    ['s', 'with-bus', 'in-slice', 'a-own'].map((name) => of(`${name}.service`)),
    ['boot', 'boot', 'boot', 'socket'],
  );
});

test('the bus starts the units that its activation files name, if there is a bus', (t) => {
  const tree = {
    ...base,
    [`${usr}/dbus.service`]: '[Unit]\nDescription=x',
    [`${usr}/a.service`]: '[Unit]\nWants=b.service',
    [`${usr}/b.service`]: '[Unit]\nDescription=x',
    [`${usr}/c.service`]: '[Service]\nType=dbus\nBusName=org.c',
    [`${usr}/dbus-org.a.service`]: '-> a.service',
    '/usr/share/dbus-1/system-services/org.a.service':
      '[D-BUS Service]\nName=org.a\nExec=/bin/false\nSystemdService=dbus-org.a.service\n',
    '/usr/share/dbus-1/system-services/org.c.service': '[D-BUS Service]\nName=org.c\nExec=/bin/c\n',
  };
  assert.equal(start(graphOf(t, tree), 'a.service'), 'none');
  const graph = graphOf(t, {
    ...tree,
    [`${usr}/multi-user.target.wants/dbus.service`]: '-> ../dbus.service',
  });
  const bus = 'dbus default.target multi-user.target dbus.service a.service';
  assert.equal(start(graph, 'a.service'), bus);
  assert.equal(start(graph, 'b.service'), `${bus} b.service`);
  assert.equal(start(graph, 'c.service'), 'none');
});

test('generated units start by the links that their generator makes', (t) => {
  const path = '/usr/share/containers/systemd/app@.container';
  const generated: GeneratedUnit = {
    name: 'app@.service',
    path,
    realPath: path,
    entries: [{ group: 'Unit', key: 'Wants', value: 'data-%i.service', path, line: 2 }],
    links: ['multi-user.target.wants/app@eu.service'],
  };
  const tree = { ...base, [`${usr}/data-eu.service`]: '[Unit]\nDescription=x' };
  const graph = graphOf(t, tree, { generated: [generated] });
  const app = 'boot default.target multi-user.target app@eu.service';
  assert.equal(start(graph, 'app@.service'), app);
  assert.equal(start(graph, 'app@us.service'), 'none');
  assert.equal(start(graph, 'data-eu.service'), `${app} data-eu.service`);
});

test('the user manager: basic.target instead of sysinit.target', (t) => {
  const user = '/usr/lib/systemd/user';
  const tree = {
    [`${user}/default.target`]: '[Unit]\nWants=a.service',
    [`${user}/a.service`]: '[Unit]\nDescription=x',
    [`${user}/basic.target`]: '[Unit]\nWants=b.service',
    [`${user}/b.service`]: '[Unit]\nDescription=x',
  };
  const graph = graphOf(t, tree, { manager: 'user' });
  assert.equal(start(graph, 'b.service'), 'boot default.target a.service basic.target b.service');
});

test('the conditions of the chain are listed; an empty one drops those before', (t) => {
  const graph = graphOf(t, {
    ...base,
    [`${usr}/a.service`]:
      '[Unit]\nConditionHost=x\nAssertPathExists=/a\nConditionPathExists=\nConditionVirtualization=no',
    [`${usr}/multi-user.target.wants/a.service`]: '-> ../a.service',
    [`${usr}/multi-user.target.d/x.conf`]: '[Unit]\nConditionFirstBoot=no',
  });
  assert.deepEqual(graph.startOf('a.service').conditions, [
    'multi-user.target: ConditionFirstBoot=no',
    'a.service: AssertPathExists=/a',
    'a.service: ConditionVirtualization=no',
  ]);
});

test('a specifier that only the host knows is a problem', (t) => {
  const graph = graphOf(t, {
    ...base,
    [`${usr}/multi-user.target`]: '[Unit]\nWants=on-%H.service a.service',
    [`${usr}/a.service`]: '[Unit]\nDescription=x',
  });
  assert.equal(graph.startOf('a.service').activation, 'boot');
  const [problem, ...others] = graph.problems;
  assert.deepEqual(
    [problem?.code, problem?.path, problem?.line, others.length],
    ['specifier', `${usr}/multi-user.target`, 2, 0],
  );
});

test('a unit that requires what can not start does not start, nor what it wants', (t) => {
  const service = (unit: string) => `[Unit]\n${unit}\n`;
  const cases = {
    a: ['Requires=masked.service\nWants=a-wanted.service', 'none'],
    b: ['BindsTo=refused.service', 'none'],
    c: ['Requires=missing.service', 'none'],
    d: ['Requisite=masked.service\nWants=d-wanted.service', 'none'],
    e: ['Requires=a.service', 'none'],
    f: ['Requires=circle.service', 'none'],
    g: ['Wants=masked.service missing.service refused.service\nAfter=a.service', 'boot'],
    h: ['Requires=sysv.service var.mount dev-x.device x.slice\nRequires=bad%Q.service', 'boot'],
    i: ['Requires=a.service i-required.service', 'none'],
    j: ['', 'none'],
    k: ['Requires=masked.service\nOnFailure=k-failure.service', 'none'],
    circle: ['Requires=f.service masked.service', 'none'],
    // systemd never comes to the wish of a unit that lacks a requirement.
    'a-wanted': ['', 'none'],
    'd-wanted': ['', 'boot'],
    'i-required': ['', 'boot'],
    'k-failure': ['', 'none'],
  } as const;
  const wanted = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'].map((x) => `${x}.service`);
  const tree: Tree = {
    ...base,
    '/usr/lib/systemd/systemd': 'the program',
    '/usr/lib/systemd/system-generators/systemd-sysv-generator': '',
    '/etc/init.d/sysv': '#!/bin/sh\n',
    [`${usr}/multi-user.target`]: service(`Requires=basic.target\nWants=${wanted.join(' ')}`),
    [`${etc}/masked.service`]: '-> /dev/null',
    [`${usr}/refused.service`]: '[Service]\nExecStart=bin/true\n',
    [`${etc}/j.service.requires/masked.service`]: '-> /nowhere',
    ...Object.fromEntries(
      Object.entries(cases).map(([name, [unit]]) => [`${usr}/${name}.service`, service(unit)]),
    ),
  };
  const graph = graphOf(t, tree);
  for (const [name, [, activation]] of Object.entries(cases)) {
    assert.equal(graph.startOf(`${name}.service`).activation, activation, name);
  }
  assert.equal(graph.startOf('a.service').unmet?.at?.line, 2);
  assert.equal(graph.startOf('j.service').unmet?.at, undefined);
  const generator = '/usr/lib/systemd/system-generators/own';
  const withOwn = graphOf(t, { ...tree, [generator]: '' });
  assert.equal(withOwn.startOf('c.service').activation, 'boot', 'a generator may make the unit');
});
