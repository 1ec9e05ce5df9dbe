import { join } from 'node:path';
import test from 'node:test';
import { State } from '../../src/state/state.ts';
import { openStore } from '../../src/store/store.ts';
import { theOnly } from '../support/engines.ts';
import { startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { lastingRegistry, makeRuns } from './long-process.ts';

const RUNS = 100 * Number(process.env['BERTH_RUNS'] ?? 1);

test(`${RUNS} stages, verifies and reconciles in one process, with the embedded store`, async (t) => {
  const directory = temporaryDirectory(t);
  const server = await startRegistry();
  t.after(() => server.close());
  const registry = lastingRegistry(directory, server);
  t.after(() => registry.close());
  const stateDirectory = join(directory, 'state');
  const engine = openStore({ directory: join(stateDirectory, 'store'), registry });
  const { signal } = new AbortController();
  const state = new State(stateDirectory);
  const context = { engines: theOnly(engine), state, stateDirectory, report: () => {}, signal };
  await makeRuns({ context, registry, server, directory }, RUNS);
});
