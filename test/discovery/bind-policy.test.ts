import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discovered, problems } from '../support/tree.ts';

const vendor = '/usr/lib/berth/berth.toml';
const admin = '/etc/berth/berth.toml';

test('the later file overrides the earlier one key by key', async (t) => {
  const found = await discovered(t, {
    [vendor]: '[bind]\nmode = "all"\ninclude = ["a*"]\nexclude = ["b*"]\n',
    [admin]: '[bind]\nmode = "linked"\nexclude = []\n',
  });
  assert.deepEqual(problems(found), []);
  assert.deepEqual(found.policy, { mode: 'linked', include: ['a*'], exclude: [], path: admin });
});

test('in a tree that was never booted, the second file is in /usr/etc', async (t) => {
  const path = '/usr/etc/berth/berth.toml';
  const found = await discovered(t, { [path]: '[bind]\nmode = "enabled"\n' });
  assert.deepEqual(found.policy, { mode: 'enabled', include: [], exclude: [], path });
});

test('what is neither [bind] nor a setting of hosts is reported with its line', async (t) => {
  const found = await discovered(t, {
    [vendor]:
      'engines = "podman"\nquiet-hours = "08:00-18:00"\n[bind]\nmode = "all"\nmodes = 1\n\n[registry]\ninsecure = true\n[[other]]\nx = 1\n',
  });
  assert.equal(found.policy.mode, 'all');
  assert.deepEqual(problems(found), [
    `root-config ${vendor}:1`,
    `root-config ${vendor}:5`,
    `root-config ${vendor}:7`,
    `root-config ${vendor}:9`,
  ]);
  for (const { subject } of found.problems) assert.equal(subject, undefined);
});

test('an invalid setting is ignored and is a problem that binds', async (t) => {
  const bad = ['mode = "everything"', 'include = "a"', 'exclude = [1]'];
  for (const line of bad) {
    const found = await discovered(t, { [admin]: `[bind]\n${line}\n` });
    assert.deepEqual(problems(found), [`root-config ${admin}:2`], line);
    assert.equal(found.problems[0]?.subject?.bind, true);
    assert.deepEqual(found.policy, { include: [], exclude: [], path: admin });
  }
  const table = await discovered(t, { [admin]: 'bind = 1\n' });
  assert.deepEqual(problems(table), [`root-config ${admin}:1`]);
  assert.equal(table.problems[0]?.subject?.bind, true);
});

test('a file that is not TOML is reported with its line, and the other file still counts', async (t) => {
  const found = await discovered(t, {
    [vendor]: '[bind]\nmode = "all"\n',
    [admin]: '[bind]\nmode = \n',
  });
  assert.deepEqual(problems(found), [`root-config ${admin}:2`]);
  assert.equal(found.policy.mode, 'all');
  assert.equal(found.problems[0]?.subject?.bind, true);
});

test('an unreadable file is a problem that binds', async (t) => {
  const found = await discovered(t, { [`${admin}/x`]: '' });
  assert.deepEqual(problems(found), [`not-a-file ${admin}`]);
  assert.equal(found.problems[0]?.subject?.bind, true);
});
