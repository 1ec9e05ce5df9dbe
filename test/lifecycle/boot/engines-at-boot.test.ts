import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineGroup, EngineId } from '../../../src/common/engine-id.ts';
import { enginesAtBoot } from '../../../src/lifecycle/boot/engines-at-boot.ts';
import type { Activation } from '../../../src/state/activation.ts';
import { State } from '../../../src/state/state.ts';
import { theOnly } from '../../support/engines.ts';
import { engineSample, recordImage, stagedRecord } from '../../support/samples.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const ANN = 'podman:ann';
const BEN = 'podman:ben';
const here: Activation = { root: 'os' };
const other: Activation = { root: 'old' };

/** The engines to look at, of a root with images on engines, in a row. */
type Case = readonly [
  what: string,
  engines: readonly EngineId[] | undefined,
  activation: Activation | undefined,
  group: EngineGroup | undefined,
  expected: string,
];

const cases: readonly Case[] = [
  ['a root without a record', undefined, undefined, undefined, 'podman'],
  ['a root without a record, for users', undefined, undefined, 'users', ''],
  ['a first boot', ['podman', ANN], undefined, undefined, `podman ${ANN}`],
  ['a first boot, for the system', ['podman', ANN, 'docker'], undefined, 'system', 'podman'],
  ['a first boot, for users', ['podman', ANN, BEN], undefined, 'users', `${ANN} ${BEN}`],
  ['a boot into another root', ['podman', ANN], other, undefined, `podman ${ANN}`],
  ['one more boot into the same root', ['podman', ANN], here, undefined, 'podman'],
  ['one more boot into the same root, for users', ['podman', ANN], here, 'users', ''],
  ['a boot after a user was not reached', [ANN, BEN], { ...here, pending: [BEN] }, 'users', BEN],
  ['such a boot, for the system', [ANN, BEN], { ...here, pending: [BEN] }, 'system', 'podman'],
  [
    'a boot into another root, what was not reached in the old one aside',
    [ANN, BEN],
    { ...other, pending: [BEN] },
    'users',
    `${ANN} ${BEN}`,
  ],
  ['a first boot, for docker', ['podman', ANN, 'docker'], undefined, 'docker', 'docker'],
  ['one more boot into the same root, for docker', ['podman', 'docker'], here, 'docker', 'docker'],
  ['one more boot of a root without docker, for docker', ['podman'], here, 'docker', ''],
  [
    'a boot after docker was not up',
    ['docker'],
    { ...here, pending: ['docker'] },
    'docker',
    'docker',
  ],
  [
    'such a boot, by hand',
    ['docker'],
    { ...here, pending: ['docker'] },
    undefined,
    'podman docker',
  ],
  ['one more activation, by hand', ['docker', ANN], here, undefined, 'podman docker'],
  [
    'containerd in all its namespaces',
    ['containerd', 'containerd:moby', 'docker', 'crio'],
    undefined,
    'containerd',
    'containerd containerd:moby',
  ],
  ['a first boot, for CRI-O', ['podman', 'crio'], undefined, 'crio', 'crio'],
  ['images that wait for the system’s podman alone', [ANN], here, undefined, 'podman'],
];

for (const [what, engines, activation, group, expected] of cases) {
  test(`the engines of ${what}`, (t) => {
    const state = new State(temporaryDirectory(t));
    if (engines !== undefined) {
      const images = engines.map((engine) => ({ ...recordImage('a', 'h.example/a:1'), engine }));
      state.write({ ...stagedRecord('os', ...images), engine: 'podman' });
    }
    if (activation !== undefined) state.activation.write(activation);
    const context = { state, engines: theOnly(engineSample('podman')) };
    assert.equal([...enginesAtBoot(context, 'os', group)].join(' '), expected);
  });
}

test('engines that a stage left out are looked at too', (t) => {
  const state = new State(temporaryDirectory(t));
  const record = stagedRecord('os', { ...recordImage('a', 'h.example/a:1'), engine: 'podman' });
  assert.ok(record.staged);
  state.write({ ...record, engine: 'podman', staged: { ...record.staged, leftOut: [ANN] } });
  const context = { state, engines: theOnly(engineSample('podman')) };
  assert.deepEqual([...enginesAtBoot(context, 'os', undefined)], ['podman', ANN]);
});
