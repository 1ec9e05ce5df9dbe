import { join } from 'node:path';
import test from 'node:test';
import { openPodman } from '../../src/engine/podman/podman.ts';
import { isForHost } from '../../src/engine/serves.ts';
import { State } from '../../src/state/state.ts';
import { openDepot } from '../../src/store/depot.ts';
import { theOnly } from '../support/engines.ts';
import { skipPodman, startPodman } from '../support/podman.ts';
import { startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { lastingRegistry, makeRuns } from './long-process.ts';

const RUNS = 12 * Number(process.env['BERTH_RUNS'] ?? 1);

test(`${RUNS} stages, verifies and reconciles in one process, with a podman that restarts`, {
  skip: skipPodman,
}, async (t) => {
  const directory = temporaryDirectory(t);
  const server = await startRegistry();
  t.after(() => server.close());
  const podman = await startPodman(t, { insecure: [server.host] });
  const registry = lastingRegistry(directory, server);
  t.after(() => registry.close());
  const stateDirectory = join(directory, 'state');
  const depot = openDepot(
    { directory: join(stateDirectory, 'store'), registry },
    { engine: 'podman', serves: isForHost },
  );
  const { pinKey, environment } = podman;
  const engine = await openPodman({ user: false, pinKey, environment, depot });
  t.after(() => engine.close());
  const { signal } = new AbortController();
  const state = new State(stateDirectory);
  const context = { engines: theOnly(engine), state, stateDirectory, report: () => {}, signal };
  await makeRuns({ context, registry, server, directory }, RUNS, async (run) => {
    if (run % 3 === 0) await podman.restart();
  });
});
