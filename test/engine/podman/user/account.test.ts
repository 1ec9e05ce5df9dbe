import assert from 'node:assert/strict';
import test from 'node:test';
import { findAccount } from '../../../../src/engine/podman/podman.ts';
import { accountOf } from '../../../../src/engine/podman/user/account.ts';

const line = 'app:x:1001:100:An app:/var/home/app:/bin/sh\n';
const app = { name: 'app', uid: 1001, gid: 100, home: '/var/home/app' };

for (const [what, text, called, expected] of [
  ['by name', line, 'app', app],
  ['by UID', line, '1001', app],
  ['nobody', '', 'app', undefined],
  ['another user than was asked for', line, 'web', undefined],
  ['a UID that is no number', 'app:x:-1:100::/home/app:', 'app', undefined],
  ['a group that is no number', 'app:x:1001:users::/home/app:', 'app', undefined],
  ['no home', 'app:x:1001:100:::', 'app', undefined],
  ['a home that is no absolute path', 'app:x:1001:100::home:', 'app', undefined],
] as const) {
  test(`an account from a line of passwd: ${what}`, () => {
    assert.deepEqual(accountOf(text, called), expected);
  });
}

test('the system is asked for an account', async () => {
  const root = await findAccount('root');
  assert.deepEqual([root?.name, root?.uid, root?.gid], ['root', 0, 0]);
  assert.deepEqual(await findAccount('0'), root);
  assert.equal(await findAccount('no-such-user-of-berth'), undefined);
  assert.equal(await findAccount('--help'), undefined);
});
