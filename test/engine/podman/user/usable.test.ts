import assert from 'node:assert/strict';
import test from 'node:test';
import { whyNotUsable } from '../../../../src/engine/podman/podman.ts';
import { hasEntry } from '../../../../src/engine/podman/user/usable.ts';

const app = { name: 'app', uid: 1001, gid: 1001, home: '/home/app' };

for (const [text, expected] of [
  ['app:100000:65536\n', true],
  ['web:1:1\n1001:100000:65536', true],
  ['web:100000:65536\n', false],
  ['app:100000:0\n', false],
  ['app:100000\n', false],
  ['app:x:y\n', false],
  ['', false],
] as const) {
  test(`subordinate ids of ${JSON.stringify(text)}`, () => {
    assert.equal(hasEntry(text, 'app', 1001), expected);
  });
}

test('a user who does not exist here, or with another UID, is told', async () => {
  const absent = await whyNotUsable('app', undefined, 1001);
  assert.equal(absent?.reason, 'no user app with UID 1001 is on this system');
  assert.match(
    (await whyNotUsable('app', undefined))?.reason ?? '',
    /no user app is on this system/,
  );
  const other = await whyNotUsable('app', app, 1002);
  assert.equal(other?.reason, 'the user app has UID 1001 here, and 1002 in the root');
});
