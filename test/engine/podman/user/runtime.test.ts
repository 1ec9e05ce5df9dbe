import assert from 'node:assert/strict';
import test from 'node:test';
import { runtimeOf, type Seen, seenIn } from '../../../../src/engine/podman/user/runtime.ts';

const login = '/run/user/1001';
const own = '/tmp/storage-run-1001';
const older = '/tmp/podman-run-1001';
const nothing: Seen = { lingers: false, present: [], used: [], isStored: false };

for (const [what, seen, directory, isAbsent] of [
  ['lingers, is logged in', { lingers: true, present: [login] }, login, false],
  ['lingers, before the manager starts', { lingers: true }, login, true],
  ['lingers, whose podman also ran without', { lingers: true, present: [own] }, login, true],
  ['neither lingers nor is logged in', {}, undefined, false],
  ['does not linger, with a database', { isStored: true }, undefined, false],
  ['runs services only', { present: [own], used: [own], isStored: true }, undefined, false],
  ['is logged in, without a database', { present: [login] }, own, false],
  ['is logged in, with a database', { present: [login], isStored: true }, login, false],
  ['is logged in, runs podman there', { present: [login], used: [login] }, login, false],
  [
    'is logged in, runs services without it',
    { present: [login, older], used: [older], isStored: true },
    older,
    false,
  ],
  [
    'runs podman in both',
    { present: [login, own], used: [login, own], isStored: true },
    login,
    false,
  ],
] as const) {
  test(`the runtime directory of a user who ${what}`, () => {
    assert.deepEqual(runtimeOf(1001, { ...nothing, ...seen }), { directory, isAbsent });
  });
}

test('what a look as the user tells', () => {
  assert.deepEqual(seenIn(`present ${login}\nused ${login}\npresent ${own}\nstored\nstored\n`), {
    present: [login, own],
    used: [login],
    isStored: true,
  });
  assert.deepEqual(seenIn(''), { present: [], used: [], isStored: false });
});
