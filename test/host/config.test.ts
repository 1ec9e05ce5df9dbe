import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BerthError } from '../../src/common/errors.ts';
import { readConfig } from '../../src/host/config/config.ts';
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

test('configuration: what is downloaded is limited, for all registries and for single ones', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'berth.toml');
  const read = async (text: string) => {
    writeFileSync(file, text);
    return readConfig([directory], undefined);
  };
  const { limitRate, registries } = await read(`limit-rate = "2MB"
[registries."registry.example:5000"]
patience = "15min"
limit-rate = "500kB"
at-a-time = 2
[registries."index.docker.io"]
patience = "90s"
[registries."[fd00::1]:443"]
`);
  assert.equal(limitRate, 2_000_000);
  assert.deepEqual(
    [...(registries ?? [])],
    [
      ['registry.example:5000', { patience: 900_000, limitRate: 500_000, atATime: 2 }],
      ['docker.io', { patience: 90_000 }],
      ['[fd00::1]:443', {}],
    ],
  );
  mkdirSync(join(directory, 'berth.toml.d'));
  const later =
    '[registries."docker.io"]\nat-a-time = 1\n[registries."quay.io"]\npatience = "2h"\n';
  writeFileSync(join(directory, 'berth.toml.d/a.toml'), later);
  const merged = (await read('[registries."docker.io"]\npatience = "1m"\n')).registries;
  assert.deepEqual(
    [...(merged ?? [])],
    [
      ['docker.io', { atATime: 1 }],
      ['quay.io', { patience: 7_200_000 }],
    ],
  );
});

for (const [what, text, expected] of [
  ['a rate that is none', 'limit-rate = "fast"', /limit-rate is "fast"/],
  ['a rate of nothing', 'limit-rate = "0"', /limit-rate is "0"/],
  ['a rate without a unit of text', 'limit-rate = 5', /limit-rate is 5/],
  ['no table', 'registries = ["quay.io"]', /registries is /],
  ['a URL', '[registries."https://quay.io"]', /registries is /],
  ['a repository', '[registries."quay.io/acme"]', /registries is /],
  ['an unknown key', '[registries."quay.io"]\npatients = "1m"', /registries is /],
  ['an inherited key', '[registries."quay.io"]\nconstructor = "1m"', /registries is /],
  ['a patience without end', '[registries."quay.io"]\npatience = "25h"', /registries is /],
  ['a patience of nothing', '[registries."quay.io"]\npatience = "0s"', /registries is /],
  ['a patience without a unit', '[registries."quay.io"]\npatience = "60"', /registries is /],
  ['none at a time', '[registries."quay.io"]\nat-a-time = 0', /registries is /],
  ['half at a time', '[registries."quay.io"]\nat-a-time = 1.5', /registries is /],
] as const) {
  test(`configuration: ${what} is refused, with its place and what is expected`, async (t) => {
    const file = join(temporaryDirectory(t), 'berth.toml');
    writeFileSync(file, `compose = []\n${text}\n`);
    await assert.rejects(readConfig([], file), (error: unknown) => {
      assert.ok(error instanceof BerthError);
      assert.match(error.message, /berth\.toml:2: /);
      assert.match(error.message, expected);
      assert.match(error.hint, /^expected /);
      return true;
    });
  });
}
