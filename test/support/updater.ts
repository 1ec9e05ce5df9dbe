import { join } from 'node:path';
import type { TestContext } from 'node:test';
import * as v from 'valibot';
import type { BerthError } from '../../src/common/errors.ts';
import type { Deployment, Role } from '../../src/deployment/deployment.ts';
import { ProgressEvent } from '../../src/documents/progress.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { type Activated, activate } from '../../src/lifecycle/boot/activate.ts';
import type { Context } from '../../src/lifecycle/context.ts';
import { type Reconciled, reconcile } from '../../src/lifecycle/reconcile.ts';
import { openRoot } from '../../src/root/open-root.ts';
import type { RootRecord } from '../../src/state/record.ts';
import { State } from '../../src/state/state.ts';
import { openStore } from '../../src/store/store.ts';
import { container, writeRoot } from './berth.ts';
import { theOnly } from './engines.ts';
import type { TestRegistry } from './registry.ts';
import { client, serve } from './registry-client.ts';
import { temporaryDirectory } from './temporary.ts';

/** An updater whose roots can have any role, and a machine with the embedded store beside it. */
export interface TestUpdater {
  readonly server: TestRegistry;
  readonly engine: Engine;
  readonly context: Context;
  readonly warnings: readonly string[];
  /** A root in which one container runs each image: `web:1`, with more lines for its section. */
  deploy(id: string, images: Readonly<Record<string, string>>, role: Role, version?: string): void;
  role(id: string, role: Role): void;
  undeploy(id: string): void;
  reconcile(options?: { failures?: BerthError[]; heldDays?: number }): Promise<Reconciled>;
  activate(id: string, locked?: readonly string[]): Promise<Activated>;
  record(id: string): RootRecord | undefined;
  /** The id of the image that a name means, as `web:1`. */
  meaning(image: string): Promise<string | undefined>;
  /** The id of the image on a root's record. */
  recorded(id: string, image: string): string | undefined;
  fullName(image: string): string;
}

/** @param openEngine where it is another than the embedded store. */
export async function startUpdater(
  t: TestContext,
  openEngine?: (server: TestRegistry) => Promise<Engine>,
): Promise<TestUpdater> {
  const directory = temporaryDirectory(t);
  const server = await serve(t);
  const registry = client(t, [server]);
  const engine =
    (await openEngine?.(server)) ?? openStore({ directory: join(directory, 'store'), registry });
  const warnings: string[] = [];
  const context: Context = {
    engines: theOnly(engine),
    state: new State(join(directory, 'state')),
    report: (event) => {
      v.parse(ProgressEvent, event);
      if (event.event === 'warning') warnings.push(event.message);
    },
    signal: new AbortController().signal,
  };
  const deployments = new Map<string, Deployment>();
  const fullName = (image: string) => `${server.host}/${image}`;
  const record = (id: string) => context.state.record(id);
  return {
    server,
    engine,
    context,
    warnings,
    deploy: (id, images, role, version) => {
      const files = Object.entries(images).map(([image, more], i) =>
        container(`app${i}`, fullName(image), more),
      );
      const location = writeRoot(join(directory, 'roots', id), {
        'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
        ...Object.assign({}, ...files),
      });
      deployments.set(id, {
        id,
        updater: 'directories',
        role,
        pinned: false,
        location,
        ...(version === undefined ? {} : { version }),
        open: async () => openRoot(location),
      });
    },
    role: (id, role) => {
      const deployment = deployments.get(id);
      if (deployment === undefined) throw new Error(`no ${id}`);
      deployments.set(id, { ...deployment, role });
    },
    undeploy: (id) => void deployments.delete(id),
    reconcile: ({ failures = [], heldDays = 7 } = {}) =>
      reconcile(
        context,
        registry,
        { deployments: [...deployments.values()], failures },
        {
          compose: [],
          heldDays,
        },
      ),
    activate: (id, locked = []) =>
      activate(context, {
        id,
        locked: new Set(locked.map(fullName)),
        needs: true,
        engines: new Set([engine.id]),
      }),
    record,
    meaning: async (image) =>
      (await engine.images()).find(({ names }) => names.includes(fullName(image)))?.id,
    recorded: (id, image) =>
      record(id)?.staged?.images.find(({ names }) =>
        names.some(({ name }) => name === fullName(image)),
      )?.id,
    fullName,
  };
}
