import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { hold, isHeld } from '../../src/lifecycle/held.ts';
import { release } from '../../src/lifecycle/release.ts';
import type { RecordImage, RootRecord } from '../../src/state/record.ts';
import { State } from '../../src/state/state.ts';
import { openStore } from '../../src/store/store.ts';
import { theOnly } from '../support/engines.ts';
import { client, serve } from '../support/registry-client.ts';
import { recordImage, situationOf, stagedRecord } from '../support/samples.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const web = recordImage('a', 'registry.example.com/web:1');
const staged = { updater: 'ostree', role: 'staged' } as const;
const queued = (...images: RecordImage[]): RootRecord => ({
  ...stagedRecord('os', ...images),
  deployment: staged,
});

async function contextIn(t: TestContext) {
  const directory = temporaryDirectory(t);
  const registry = client(t, [await serve(t)]);
  return {
    engines: theOnly(openStore({ directory: join(directory, 'store'), registry })),
    state: new State(join(directory, 'state')),
    report: () => {},
    signal: new AbortController().signal,
  };
}

test('a root is held from now on, once', async (t) => {
  const context = await contextIn(t);
  const record = queued(web);
  context.state.write(record);
  assert.equal(await hold(context, record), true);
  const held = context.state.record('os');
  assert.ok(held);
  assert.equal(held.deployment?.role, 'held');
  assert.equal(await hold(context, held), false);
  assert.equal(await hold(context, record), false, 'another berth has noted the time already');
  assert.deepEqual(context.state.record('os'), held);
});

for (const [what, record] of [
  ['without leaving anything for prune', queued({ ...web, fetched: false })],
  ['and has left images for prune', queued(web)],
] as const) {
  test(`a root that another berth released meanwhile, ${what}, does not come back`, async (t) => {
    const context = await contextIn(t);
    context.state.write(record);
    await release(context, 'os');
    const after = context.state.record('os');
    assert.equal(await hold(context, record), false);
    assert.deepEqual(context.state.record('os'), after);
    assert.equal(after?.staged, undefined);
  });
}

const DAY = 24 * 60 * 60 * 1000;
const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString();
const newer = {
  ...stagedRecord('newer', web),
  staged: { time: ago(0), images: [web], problems: [], unresolved: [] },
};
const ready = { id: 'newer', role: 'rollback', ready: true } as const;

for (const [what, deployment, roots, days, expected] of [
  ['was queued', staged, [], 14, true],
  ['was finalised', { ...staged, finalised: true }, [], 14, false],
  ['had booted', { ...staged, role: 'booted' }, [], 14, false],
  ['no updater had', undefined, [], 14, false],
  ['has been held for some days', { ...staged, role: 'held', since: ago(3) }, [], 14, true],
  ['was held for long enough', { ...staged, role: 'held', since: ago(3) }, [], 2, false],
  ['is held since a time to come', { ...staged, role: 'held', since: ago(-3) }, [], 2, true],
  ['has a newer one that is ready', staged, [ready], 14, false],
  ['has a newer one that is not ready', staged, [{ ...ready, ready: false }], 14, true],
  ['has a running one that was not booted since', staged, [{ ...ready, role: 'booted' }], 14, true],
] as const) {
  test(`a root that ${what} is ${expected ? '' : 'not '}held`, (t) => {
    const state = new State(temporaryDirectory(t));
    const { deployment: _, ...rest } = queued(web);
    const record: RootRecord = deployment === undefined ? rest : { ...rest, deployment };
    const situation = situationOf([record, newer], [], []);
    assert.equal(isHeld({ state }, record, situation, roots, days), expected);
  });
}
