import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { etcDirectory } from '../../../src/systemd/etc.ts';
import { bootGraph } from '../../../src/systemd/graph/boot-graph.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { rootOf, type Tree } from '../../support/tree.ts';

const usr = '/usr/lib/systemd/system';
const presets = '/usr/lib/systemd/system-preset';
const wanted = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';

const base: Tree = {
  [`${usr}/default.target`]: '-> multi-user.target',
  [`${usr}/multi-user.target`]: '[Unit]\n',
  [`${usr}/a.service`]: wanted,
};

function graphOf(t: TestContext, tree: Tree, manager: 'system' | 'user' = 'system') {
  const root = rootOf(t, { ...base, ...tree });
  const etc = etcDirectory(root);
  const options = { manager, generated: [], architecture: 'x86-64' };
  const units = readSystemdUnits(root, etc, options);
  return { graph: bootGraph(units), units };
}

test('presets count at a first boot only', (t) => {
  const rules = { [`${presets}/50.preset`]: 'enable a.service\n' };
  const rows: readonly (readonly [Tree, string])[] = [
    [{}, 'boot'],
    [{ '/etc/machine-id': 'uninitialized\n' }, 'boot'],
    // An empty file is filled at each boot, and no boot counts as the first.
    [{ '/etc/machine-id': '' }, 'none'],
    [{ '/etc/machine-id': `${'1'.repeat(32)}\n` }, 'none'],
    [{ '/usr/etc/machine-id': `${'1'.repeat(32)}\n` }, 'none'],
    [{ '/usr/etc/os-release': 'ID=acme' }, 'boot'],
  ];
  for (const [tree, activation] of rows) {
    const { graph } = graphOf(t, { ...rules, ...tree });
    assert.equal(graph.startOf('a.service').activation, activation, JSON.stringify(tree));
  }
});

test('the first rule that matches decides, and no rule enables', (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['disable *', 'none'],
    ['disable b*', 'boot'],
    ['enable a.service\ndisable *', 'boot'],
    ['disable *\nenable a.service', 'none'],
    ['disable [ab].service', 'none'],
    ['ignore a.service', 'none'],
    ['# disable *', 'boot'],
    ['disable a.service b.service', 'boot'],
  ];
  for (const [rules, activation] of rows) {
    const { graph } = graphOf(t, { [`${presets}/50.preset`]: rules });
    assert.equal(graph.startOf('a.service').activation, activation, rules);
  }
});

test('preset files count in the order of their names, those in /etc before those of the same name', (t) => {
  const { graph } = graphOf(t, {
    [`${presets}/20.preset`]: 'disable b.service\n',
    '/etc/systemd/system-preset/10.preset': 'enable b.service\n',
    [`${presets}/30.preset`]: 'enable a.service\n',
    '/etc/systemd/system-preset/30.preset': '-> /dev/null',
    [`${presets}/40.preset`]: 'disable *\n',
    [`${usr}/b.service`]: wanted,
  });
  assert.equal(graph.startOf('a.service').activation, 'none');
  assert.equal(graph.startOf('b.service').activation, 'boot');
});

test('a tree without a preset file keeps its units as they are', (t) => {
  assert.equal(graphOf(t, {}).graph.startOf('a.service').activation, 'none');
});

test('units of users are not preset', (t) => {
  const tree = {
    '/usr/lib/systemd/user/default.target': '[Unit]\n',
    '/usr/lib/systemd/user/u.service': wanted.replace('multi-user', 'default'),
    '/usr/lib/systemd/user-preset/50.preset': 'enable u.service\n',
    [`${presets}/50.preset`]: 'enable u.service\n',
  };
  assert.equal(graphOf(t, tree, 'user').graph.startOf('u.service').activation, 'none');
});

test('the chain says which preset starts a unit, unless the tree has the link already', (t) => {
  const rule = { [`${presets}/50.preset`]: '\nenable a.service\n' };
  const start = (tree: Tree) => graphOf(t, { ...rule, ...tree }).graph.startOf('a.service');
  assert.deepEqual(start({}).conditions, [
    `a.service: presets of the first boot (${presets}/50.preset:2)`,
  ]);
  const link = { [`${usr}/multi-user.target.wants/a.service`]: '-> ../a.service' };
  assert.deepEqual(start(link).conditions, []);
});

test('an alias that two units claim stays with the unit that has it', (t) => {
  const target = '[Unit]\n[Install]\nAlias=default.target\n';
  const { units } = graphOf(t, {
    [`${presets}/50.preset`]: 'disable *.service\n',
    [`${usr}/graphical.target`]: target,
    [`${usr}/multi-user.target`]: target,
  });
  assert.equal(units.unit('default.target')?.name, 'multi-user.target');
});

test('presets that can’t be read are a problem, and nothing is said not to start', (t) => {
  const { graph, units } = graphOf(t, {
    [`${presets}/50.preset/x`]: '',
    '/etc/systemd/system-preset': 'a file',
  });
  assert.deepEqual(
    units.problems.map(({ code }) => code),
    ['not-a-directory'],
  );
  assert.equal(graph.startOf('a.service').activation, 'unknown');
});
