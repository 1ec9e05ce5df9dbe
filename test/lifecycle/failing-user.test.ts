import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { EngineId } from '../../src/common/engine-id.ts';
import { runningSystem } from '../../src/deployment/places.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { EngineError } from '../../src/engine/errors.ts';
import { gate } from '../../src/lifecycle/boot/gate.ts';
import { readSituation, situationOn } from '../../src/lifecycle/situation.ts';
import { judge } from '../../src/lifecycle/verify.ts';
import { State } from '../../src/state/state.ts';
import { openDepots } from '../../src/store/depot.ts';
import { noNetwork } from '../support/first-boot.ts';
import { engineSample, recordImage, stagedRecord } from '../support/samples.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const USER = 'podman:app';
const traits = { downloads: 'berth', judges: 'berth', pullsAs: 'other', pins: 'firm' } as const;

/** A host whose root `os` has an image on root's podman and one on that of a user, which fails. */
function host(t: TestContext, failing: Partial<Engine>) {
  const directory = temporaryDirectory(t);
  const depots = openDepots({ directory: join(directory, 'store'), registry: noNetwork });
  const depot = depots.forEngine({ engine: USER, serves: () => true });
  const engines = new Map<EngineId, Engine>([
    ['podman', engineSample('podman')],
    [USER, engineSample(USER, { traits, depot, ...failing })],
  ]);
  const state = new State(join(directory, 'state'));
  const sys = { ...recordImage('a', 'h.example/sys:1'), engine: 'podman' } as const;
  const app = { ...recordImage('b', 'h.example/app:1'), engine: USER } as const;
  const record = { ...stagedRecord('os', sys, app), engine: 'podman' as const };
  state.write(record);
  const open = async (id: EngineId) => engines.get(id) ?? assert.fail(id);
  const context = {
    engines: { own: 'podman', usual: 'podman', waitedFor: async () => [], open },
    state,
    report: () => undefined,
    signal: new AbortController().signal,
  } as const;
  return { context, record };
}

async function fail(): Promise<never> {
  throw new EngineError('engine-reply', 'the podman of app answers nonsense', { hint: 'h' });
}

for (const [what, failing] of [
  ['images', { images: fail }],
  ['pins', { pins: fail }],
] as const) {
  test(`a user's podman that does not tell its ${what} keeps no other engine from being judged`, async (t) => {
    const { context, record } = host(t, failing);
    const situation = await readSituation(context);
    const { absence } = situationOn(situation, USER).engine;
    assert.deepEqual(absence, {
      reason: 'the podman of app answers nonsense',
      hint: 'h',
      takes: 'never',
    });
    assert.deepEqual(
      judge(record, situation).map(({ code, engine }) => `${code} ${engine}`),
      ['image-missing podman', `engine-absent ${USER}`],
    );
  });
}

test("a user's podman that never answers is absent after a while", async (t) => {
  const asked = Promise.withResolvers<void>();
  const images = () => {
    asked.resolve();
    return Promise.withResolvers<never>().promise;
  };
  const { context } = host(t, { images });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const situation = readSituation(context);
  await asked.promise;
  await new Promise(setImmediate);
  t.mock.timers.tick(20_000);
  const { absence } = situationOn(await situation, USER).engine;
  assert.match(absence?.reason ?? '', /podman:app did not answer within 20 s/);
});

test('the gate holds a root for an image of the system without waiting for a user', async (t) => {
  const { context } = host(t, {});
  const open = async (id: EngineId) =>
    id === USER ? Promise.withResolvers<never>().promise : context.engines.open(id);
  const run = temporaryDirectory(t);
  mkdirSync(join(run, 'ostree'));
  writeFileSync(join(run, 'ostree/staged-deployment'), '');
  const gated = await gate(
    { ...context, engines: { ...context.engines, open } },
    { id: 'os' },
    { ...runningSystem, run },
    { days: 7, afterwards: 'boot' },
  );
  assert.equal(gated.decision, 'held');
  assert.deepEqual(
    gated.findings.map(({ engine }) => engine),
    ['podman'],
  );
});

test("a failure of the caller's own podman is no absence", async (t) => {
  const { context } = host(t, { images: fail, traits: { ...traits, pullsAs: 'caller' } });
  await assert.rejects(readSituation(context), /answers nonsense/);
});

test('a fault of berth itself is no absence', async (t) => {
  const images = () => Promise.reject(new Error('a bug'));
  await assert.rejects(readSituation(host(t, { images }).context), /a bug/);
});
