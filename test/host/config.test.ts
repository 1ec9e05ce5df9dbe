import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../../src/host/config.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const defaults = {
  compose: [],
  heldDays: 7,
  gate: { days: 7, afterwards: 'boot' },
  onForce: 'heal',
};

test('configuration: where Compose files are', async (t) => {
  const directory = temporaryDirectory(t);
  assert.deepEqual(await readConfig([directory], undefined), defaults);
  const file = join(directory, 'berth.toml');
  writeFileSync(file, 'compose = ["/etc/compose/*", "/opt/a.yaml"]\n');
  const { compose } = await readConfig([directory], undefined);
  assert.deepEqual(compose, ['/etc/compose/*', '/opt/a.yaml']);
  mkdirSync(join(directory, 'berth.toml.d'));
  writeFileSync(join(directory, 'berth.toml.d/a.toml'), 'compose = []\n');
  assert.deepEqual(await readConfig([directory], undefined), defaults);
  for (const value of ['"/etc/a"', '["etc/a"]', '[1]']) {
    writeFileSync(file, `engine = "store"\ncompose = ${value}\n`);
    await assert.rejects(readConfig([directory], undefined), /berth\.toml:2: compose is /, value);
  }
});

test('configuration: the policy of the root that runs stands in the same file', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'berth.toml');
  writeFileSync(file, 'compose = []\n[bind]\nmode = "enabled"\n');
  assert.deepEqual(await readConfig([directory], undefined), defaults);
  writeFileSync(file, '[bound]\nmode = "enabled"\n');
  await assert.rejects(readConfig([directory], undefined), /berth\.toml:1: the key bound is not/);
});

test('configuration: what happens to what somebody removes', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'berth.toml');
  writeFileSync(file, 'on-force = "respect"\n');
  assert.equal((await readConfig([directory], undefined)).onForce, 'respect');
  writeFileSync(file, 'on-force = "cry"\n');
  await assert.rejects(readConfig([directory], undefined), /berth\.toml:1: on-force is "cry"/);
});

test('configuration: the gate', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'berth.toml');
  const gateOf = async (text: string) => {
    writeFileSync(file, `[gate]\n${text}\n`);
    return (await readConfig([directory], undefined)).gate;
  };
  assert.deepEqual(await gateOf('days = 1'), { days: 1, afterwards: 'boot' });
  assert.deepEqual(await gateOf('afterwards = "hold"'), { days: 7, afterwards: 'hold' });
  for (const bad of ['days = -1', 'days = "7"', 'afterwards = "stay"', 'other = 1']) {
    await assert.rejects(gateOf(bad), /berth\.toml:1: gate is .*/, bad);
  }
});
