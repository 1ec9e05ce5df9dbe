import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { wantedOf } from '../../../src/binding/wanted.ts';
import { type Context, readingFor } from '../../../src/lifecycle/context.ts';
import { planStage } from '../../../src/lifecycle/plan/plan.ts';
import { prunable, prune } from '../../../src/lifecycle/prune.ts';
import { release } from '../../../src/lifecycle/release.ts';
import { readSituation, type Situation } from '../../../src/lifecycle/situation.ts';
import { stage } from '../../../src/lifecycle/stage/stage.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { State } from '../../../src/state/state.ts';
import { openStore } from '../../../src/store/store.ts';
import { container, writeRoot } from '../../support/berth.ts';
import { theOnly } from '../../support/engines.ts';
import { buildImage } from '../../support/image-builder.ts';
import { client, serve } from '../../support/registry-client.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

test('prune waits for a stage that may have found what it would take', async (t) => {
  const server = await serve(t);
  server.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const registry = client(t, [server]);
  const directory = temporaryDirectory(t);
  const location = writeRoot(join(directory, 'os'), container('web', `${server.host}/web:1`));
  const root = openRoot(location);
  t.after(() => root.close());
  /** As of a process of its own. */
  const contextOf = (onWait: () => void = () => undefined): Context => ({
    engines: theOnly(openStore({ directory: join(directory, 'state/store'), registry })),
    state: new State(join(directory, 'state')),
    report: ({ event }) => {
      if (event === 'warning') onWait();
    },
    signal: new AbortController().signal,
  });
  const options = { ...readingFor(contextOf()), bind: 'all', compose: [] } as const;
  const wanted = await wantedOf(root, options);
  const staged = (id: string, before: () => Promise<unknown>) => {
    const context = contextOf();
    const plan = async (situation: Situation) => {
      await before();
      return planStage(context, registry, situation, { id, location }, wanted);
    };
    return stage(context, { id, engines: new Set(), plan });
  };
  assert.deepEqual((await staged('first', async () => undefined)).findings, []);
  await release(contextOf(), 'first');
  const planned = prunable(await readSituation(contextOf()));
  assert.deepEqual(
    planned.map(({ verdict }) => verdict.kind),
    ['removable'],
  );
  const waits = Promise.withResolvers<void>();
  let pruning: ReturnType<typeof prune> | undefined;
  const second = await staged('second', async () => {
    pruning = prune(contextOf(waits.resolve), planned);
    await Promise.race([waits.promise, pruning]);
  });
  assert.deepEqual([second.failures, second.findings], [[], []]);
  const { kept } = (await pruning) ?? assert.fail('it was begun');
  assert.deepEqual(
    kept.map(({ verdict }) => verdict),
    [{ kind: 'kept', by: 'second' }],
  );
});
