import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as v from 'valibot';
import { ProgressEvent } from '../../src/documents/progress.ts';
import { type ProgressEvent as LifecycleEvent, warningCodes } from '../../src/lifecycle/events.ts';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';
const page = readFileSync(join(import.meta.dirname, '../../docs/progress.md'), 'utf8');
const kinds = ProgressEvent.options.map(({ entries }) => entries.event.literal);

/** The events of a command, each checked against the schema. */
async function eventsOf(machine: Machine, ...words: string[]): Promise<LifecycleEvent[]> {
  const { stderr } = await machine.berth(...words, '--engine', 'store', '--progress', 'json');
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => v.parse(ProgressEvent, JSON.parse(line)) as LifecycleEvent);
}

async function machineWith(t: test.TestContext) {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 20_000, seed: 1 }] }));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  return { machine, root, stage: ['stage', '--bind', 'all', '--id', 'os', root] };
}

test('docs/progress.md: its example is what a stage writes', async (t) => {
  const { machine, stage } = await machineWith(t);
  const events = await eventsOf(machine, ...stage);
  // The number of events for a download depends on the network: the example shows the last.
  const told = events.filter(
    ({ event }, i) => event !== 'fetch-progress' || events[i + 1]?.event !== 'fetch-progress',
  );
  const [, example = ''] = /```json\n([^`]*)```/.exec(page) ?? [];
  assert.deepEqual(
    example
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    told,
  );
});

test('every event that commands write is one of the schema', async (t) => {
  const { machine, root, stage } = await machineWith(t);
  const seen = new Map<string, LifecycleEvent[]>();
  const run = async (...words: string[]) => {
    const events = await eventsOf(machine, ...words);
    for (const event of events) {
      seen.set(event.event, [...(seen.get(event.event) ?? []), event]);
    }
    return events;
  };
  for (const event of await run(...stage)) assert.equal(event.root, 'os', event.event);
  await run('pull', `${host}/web:1`, '--pin', 'mine');
  await run('release', 'os');
  await run('unpin', 'mine');
  await run('prune', '--force');
  let isDown = true;
  machine.registry.fault = () => {
    const fault = isDown ? { status: 503 } : undefined;
    isDown = false;
    return fault;
  };
  await run(...stage);
  writeFileSync(join(machine.directory, 'state/roots/os.json'), 'damaged');
  const warnings = (await run('status')).filter(({ event }) => event === 'warning');
  assert.deepEqual(
    warnings.map((warning) => 'code' in warning && [warning.code, warning.root]),
    [
      ['record-damaged', undefined],
      ['record-lost', 'os'],
    ],
  );
  machine.registry.push('broken:1', buildImage({ layers: [{ bytes: 20_000, seed: 2 }] }));
  machine.registry.fault = ({ path }) => (path.includes('/blobs/') ? { status: 404 } : undefined);
  writeRoot(root, {
    ...container('broken', `${host}/broken:1`),
    ...container('gone', `${host}/gone:1`),
  });
  await run(...stage);
  assert.deepEqual(
    kinds.filter((kind) => !seen.has(kind)),
    ['unpack-progress', 'fetch-deferred', 'listening', 'lost', 'healed', 'restarting', 'waiting'],
    'nothing is watched, no service runs, no registry hangs and no hours are quiet here: other tests see those events',
  );
  const [unresolved] = seen.get('resolve-failed') ?? [];
  assert.ok(unresolved?.event === 'resolve-failed');
  const { root: of, name, code } = unresolved;
  assert.deepEqual([of, name, code], ['os', `${host}/gone:1`, 'not-found']);
  const [failed] = seen.get('fetch-failed') ?? [];
  assert.ok(failed?.event === 'fetch-failed');
  assert.deepEqual([failed.root, failed.name], ['os', `${host}/broken:1`]);
  assert.notEqual(failed.code, '');
});

test('the type of events and their schema are the same', () => {
  const type = (event: LifecycleEvent): v.InferOutput<typeof ProgressEvent> => event;
  const schema = (event: v.InferOutput<typeof ProgressEvent>): LifecycleEvent => event;
  const warning = { event: 'warning', code: 'held-back', message: '' } as const;
  assert.deepEqual(schema(type(warning)), warning);
});

test('docs/progress.md explains each event and each code of a warning, and no other', () => {
  const listed = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(listed, [...kinds, ...warningCodes]);
});
