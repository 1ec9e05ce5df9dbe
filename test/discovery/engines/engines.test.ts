import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, problems, units } from '../../support/tree.ts';
import { found } from './found.ts';
import { list, quadlet, service } from './trees.ts';

test('an engine that takes everything leaves no engine unknown', async (t) => {
  const result = await found(
    t,
    { ...quadlet('User=%H'), ...service('ExecStart=docker run q.io/b:1'), ...list('q.io/c:1\n') },
    { all: 'store' },
  );
  assert.deepEqual(
    result.references.map(({ engine }) => engine),
    ['store', 'store', 'store'],
  );
  assert.deepEqual([result.accounts, problems(result)], [[], []]);
});

test('the accounts of the users whose podman is in use', async (t) => {
  const { accounts } = await found(t, {
    ...quadlet('User=1001'),
    [`${units}/b.container`]: `${container('q.io/b')}[Service]\nUser=later\n`,
    [`${units}/c.container`]: `${container('q.io/c')}[Service]\nUser=1002\n`,
  });
  assert.deepEqual(accounts, [
    { name: '1002', uid: 1002, home: '/home/eve' },
    { name: 'app', uid: 1001, home: '/home/app' },
    { name: 'later' },
  ]);
});
