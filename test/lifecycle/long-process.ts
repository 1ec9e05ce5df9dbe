import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { wantedOf } from '../../src/binding/wanted.ts';
import { withoutConcealed } from '../../src/common/concealed.ts';
import type { Deployment } from '../../src/deployment/deployment.ts';
import { asRun } from '../../src/host/run.ts';
import { wantedInWorker } from '../../src/host/wanted-in-worker.ts';
import { type Context, readingFor } from '../../src/lifecycle/context.ts';
import { planStage } from '../../src/lifecycle/plan/plan.ts';
import { type ReadWanted, reconcile } from '../../src/lifecycle/reconcile.ts';
import { readSituation } from '../../src/lifecycle/situation.ts';
import { failuresOf, stage } from '../../src/lifecycle/stage/stage.ts';
import { judge } from '../../src/lifecycle/verify.ts';
import { openRegistry } from '../../src/registry/client.ts';
import { hostPolicyFiles } from '../../src/registry/policy/files.ts';
import { Permitted } from '../../src/registry/policy/permitted.ts';
import { retrying, retryPolicy } from '../../src/registry/retry.ts';
import { type LastingRegistry, openWhenNeeded } from '../../src/registry/when-needed.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { buildImage } from '../support/image-builder.ts';
import type { TestRegistry } from '../support/registry.ts';
import type { Fault } from '../support/registry-fault.ts';

/** The mishaps that consecutive runs meet in turn, and how the stage of such a run ends. */
const mishaps: readonly {
  readonly fault?: Fault;
  readonly policy?: 'reject';
  readonly comesTo: string;
}[] = [
  { comesTo: 'ready' },
  { fault: { status: 429, headers: { 'retry-after': '3600' } }, comesTo: 'rate-limited' },
  { comesTo: 'ready' },
  { policy: 'reject', comesTo: 'policy-rejected' },
  { comesTo: 'ready' },
  { fault: { kind: 'reset-at-once' }, comesTo: 'connection-lost' },
];

/** A process that stages, verifies and reconciles one root again and again, with what it keeps open. */
export interface LongProcess {
  readonly context: Context;
  readonly registry: LastingRegistry;
  readonly server: TestRegistry;
  /** Holds the root and the host's policy.json. */
  readonly directory: string;
}

/** The registry of a long process: a host's, with the policy.json of a directory. */
export function lastingRegistry(directory: string, { host }: TestRegistry): LastingRegistry {
  const rule = { prefix: host, location: host, insecure: true, blocked: false, mirrors: [] };
  const permitted = new Permitted();
  return openWhenNeeded(async () => {
    const root = openRoot(directory, 'any');
    const registry = openRegistry({
      conf: { rules: [rule] },
      credentials: async () => undefined,
      policyFiles: hostPolicyFiles(root, {
        userDirectory: '/none',
        localLookaside: '/none',
        programs: '',
      }),
      permitted,
    });
    const close = () => {
      registry.close();
      root.close();
    };
    return { ...retrying(registry, { ...retryPolicy, wait: async () => undefined }), close };
  });
}

/** In bytes: V8 keeps some caches; each run adds a name to the store's index and to the test's registry. */
const ALLOWED = { once: 512 * 1024, aRun: 1024 };

/** How many runs it takes until everything is loaded and compiled. */
const WARM = 20;

/**
 * Makes so many stages, with a verify and a reconcile after each, and watches what stays behind.
 *
 * @param between is done after each of them, to the engine for instance.
 */
export async function makeRuns(
  long: LongProcess,
  count: number,
  between: (run: number) => Promise<void> = async () => undefined,
): Promise<void> {
  const images = [1, 2, 3, 4].map((seed) => buildImage({ layers: [{ bytes: 1000, seed }] }));
  let warm = measured();
  for (let run = 0; run < count; run++) {
    if (run === WARM) warm = measured();
    const mishap = mishaps[run % mishaps.length];
    const image = images[run % images.length];
    assert.ok(mishap && image);
    const tag = `hidden-${run}-of-many`;
    // An engine does not judge again what it knows by the digest of a name.
    const repository = mishap.policy === undefined ? 'app' : `app-${run}`;
    long.server.push(`${repository}:${tag}`, image);
    const fault = mishap.fault;
    long.server.fault = fault === undefined ? undefined : () => fault;
    writePolicy(long.directory, mishap.policy ?? 'insecureAcceptAnything');
    writeTree(long, repository, tag);
    // A worker takes a while to start.
    const comesTo = await stageOnce(long, tag, run % 10 === 0);
    assert.equal(comesTo, mishap.comesTo, `run ${run}`);
    assert.equal(withoutConcealed(tag), tag, 'what a run concealed is forgotten with it');
    long.server.fault = undefined;
    writePolicy(long.directory, 'insecureAcceptAnything');
    const reconciled = await reconcileOnce(long, run % 10 === 0);
    assert.equal(reconciled, 'ready', `reconcile after run ${run}`);
    assert.equal(await verifyOnce(long), 'ready', `verify after run ${run}`);
    // The registry of the test is in this process too.
    long.server.requests.length = 0;
    await between(run);
  }
  if (count <= WARM) return;
  const { heap, descriptors } = measured();
  const allowed = ALLOWED.once + (count - WARM) * ALLOWED.aRun;
  assert.ok(heap - warm.heap < allowed, `${heap - warm.heap} bytes more than after run ${WARM}`);
  assert.ok(descriptors <= warm.descriptors + 2, `${descriptors} open, ${warm.descriptors} before`);
}

function writePolicy(directory: string, type: string): void {
  mkdirSync(join(directory, 'etc/containers'), { recursive: true });
  writeFileSync(
    join(directory, 'etc/containers/policy.json'),
    JSON.stringify({ default: [{ type }] }),
  );
}

/** A root whose one unit takes its tag from a file that not everybody may read. */
function writeTree({ directory, server }: LongProcess, repository: string, tag: string): void {
  const units = join(directory, 'root/usr/share/containers/systemd');
  mkdirSync(units, { recursive: true });
  mkdirSync(join(directory, 'root/etc'), { recursive: true });
  writeFileSync(join(directory, 'root/etc/secret.env'), `TAG=${tag}\n`, { mode: 0o600 });
  const unit = `[Container]\nImage=${server.host}/${repository}:\${TAG}\n[Service]\nEnvironmentFile=/etc/secret.env\n`;
  writeFileSync(join(units, 'app.container'), unit);
}

const ID = 'root';
const optionsOf = (context: Context) =>
  ({ ...readingFor(context), bind: 'all', compose: [] }) as const;
const rootOf = ({ directory }: LongProcess) => join(directory, 'root');

/** @returns `ready`, or the code of what went wrong. */
async function stageOnce(long: LongProcess, tag: string, isByWorker: boolean): Promise<string> {
  const { context, registry } = long;
  return asRun(long, async () => {
    const root = openRoot(rootOf(long));
    const options = optionsOf(context);
    try {
      const wanted = isByWorker
        ? await wantedInWorker(root, { options }, context.signal)
        : await wantedOf(root, options);
      assert.equal(withoutConcealed(tag), '***');
      const planned = { id: ID, location: root.location };
      const staged = await stage(context, {
        id: ID,
        engines: new Set(),
        plan: (situation) => planStage(context, registry, situation, planned, wanted),
      });
      const [failure] = failuresOf(staged);
      return failure?.error.code ?? staged.findings[0]?.code ?? 'ready';
    } finally {
      root.close();
    }
  });
}

const readInWorker: ReadWanted = (root, options) =>
  wantedInWorker(root, { options }, new AbortController().signal);

async function reconcileOnce(long: LongProcess, isByWorker: boolean): Promise<string> {
  const deployment: Deployment = {
    id: ID,
    updater: 'directories',
    role: 'other',
    pinned: false,
    location: rootOf(long),
    open: async () => openRoot(rootOf(long)),
  };
  return asRun(long, async () => {
    const found = { deployments: [deployment], failures: [] };
    const { roots } = await reconcile(long.context, long.registry, found, {
      compose: [],
      heldDays: 1,
      ...(isByWorker ? { read: readInWorker } : {}),
    });
    const [root] = roots;
    return root?.failures[0]?.error.code ?? root?.findings[0]?.code ?? 'ready';
  });
}

async function verifyOnce(long: LongProcess): Promise<string> {
  return asRun(long, async () => {
    const situation = await readSituation(long.context);
    const record = situation.records.get(ID);
    assert.ok(record);
    return judge(record, situation)[0]?.code ?? 'ready';
  });
}

/** Where V8 has objects; code comes and goes elsewhere, as it is compiled, optimised and dropped. */
const OBJECTS = ['new_space', 'old_space', 'new_large_object_space', 'large_object_space'];

function measured(): { readonly heap: number; readonly descriptors: number } {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  collect();
  return {
    heap: getHeapSpaceStatistics()
      .filter(({ space_name }) => OBJECTS.includes(space_name))
      .reduce((sum, { space_used_size }) => sum + space_used_size, 0),
    descriptors: readdirSync('/proc/self/fd').length,
  };
}
