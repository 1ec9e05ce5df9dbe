import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitCpu } from '../../support/limit-cpu.ts';
import { base, etc, graphOf, usr } from './graph-of.ts';

test('endless instances are cut off, and all other units are unknown', (t) => {
  const graph = graphOf(t, {
    ...base,
    [`${usr}/t@.service`]: '[Unit]\nWants=t@%i0.service t@%i1.service',
    [`${usr}/multi-user.target.wants/t@x.service`]: '-> ../t@.service',
    [`${usr}/a.service`]: '[Unit]\nDescription=x',
  });
  assert.equal(graph.startOf('t@x.service').activation, 'boot');
  assert.equal(graph.startOf('a.service').activation, 'unknown');
  assert.deepEqual(
    graph.problems.map(({ code }) => code),
    ['too-many-entries'],
  );
});

test('tens of thousands of links are read in reasonable time', (t) => {
  const tree: Record<string, string> = {
    ...base,
    [`${usr}/t@.service`]: '[Unit]\nWants=a.service',
  };
  tree[`${usr}/a.service`] = '[Unit]\nDescription=x';
  for (let i = 0; i < 20_000; i++) {
    tree[`${usr}/multi-user.target.wants/t@${i}.service`] = '-> ../t@.service';
    tree[`${etc}/alias${i}.service`] = `-> ${usr}/a.service`;
  }
  assert.equal(graphOf(t, tree).startOf('alias7.service').activation, 'boot');
});

test('requirements take linear time', (t) => {
  limitCpu(t, 20);
  const tree: Record<string, string> = { ...base, [`${etc}/z.service`]: '-> /dev/null' };
  const count = 3_000;
  for (let i = 0; i < count; i++) {
    const others = [i + 1, i + 2, i * 7, 0].map((other) => `n${other % count}.service`).join(' ');
    tree[`${usr}/n${i}.service`] = `[Unit]\nRequires=${others}${i === 2999 ? ' z.service' : ''}\n`;
    tree[`${usr}/multi-user.target.wants/n${i}.service`] = '-> ../x';
  }
  assert.equal(graphOf(t, tree).startOf('n1.service').activation, 'none');
});
