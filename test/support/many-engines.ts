import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import * as v from 'valibot';
import { type Wanted, wantedOf } from '../../src/binding/wanted.ts';
import { type EngineGroup, type EngineId, engineParts } from '../../src/common/engine-id.ts';
import { ProgressEvent } from '../../src/documents/progress.ts';
import { absentEngine } from '../../src/engine/absent.ts';
import type { Absence, Engine } from '../../src/engine/engine.ts';
import type { Engines } from '../../src/engine/engines.ts';
import { type Activated, activate } from '../../src/lifecycle/boot/activate.ts';
import { enginesAtBoot } from '../../src/lifecycle/boot/engines-at-boot.ts';
import { loadShipped } from '../../src/lifecycle/boot/load-shipped.ts';
import { type Context, readingFor } from '../../src/lifecycle/context.ts';
import { type Plan, type PlanOptions, planStage } from '../../src/lifecycle/plan/plan.ts';
import { readSituation } from '../../src/lifecycle/situation.ts';
import { type Staged, stage } from '../../src/lifecycle/stage/stage.ts';
import { judge } from '../../src/lifecycle/verify.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { openRoot } from '../../src/root/open-root.ts';
import type { RootRecord } from '../../src/state/record.ts';
import { State } from '../../src/state/state.ts';
import { openDepots } from '../../src/store/depot.ts';
import { writeRoot } from './berth.ts';
import type { TestRegistry } from './registry.ts';
import { client, serve } from './registry-client.ts';
import { type StandIn, standIn } from './stand-in.ts';
import { temporaryDirectory } from './temporary.ts';

export const APP = 'podman:app';
export const BEN = 'podman:ben';

/** The users of every tree and of this host, by UID. */
const users: Readonly<Record<string, number>> = { app: 1001, ben: 1002 };

export const atBoot: Absence = { reason: 'it is not there yet', hint: 'boot', takes: 'at-boot' };
export const never: Absence = { reason: 'it is not for berth', hint: 'load', takes: 'never' };

/** How a run differs from one for all engines. */
export interface RunOptions extends PlanOptions {
  readonly only?: EngineId;
}

/** A host with several engines, each with images of its own, and trees whose containers run on them. */
export interface ManyEngines {
  readonly server: TestRegistry;
  readonly registry: Registry;
  readonly state: State;
  readonly warnings: readonly string[];
  /** The engines that were opened, in order. */
  readonly opened: EngineId[];
  readonly context: (only?: EngineId) => Context;
  /** The engine if it is there: what a container would find. */
  readonly engine: (id: EngineId) => Engine;
  /** Makes an engine absent, or there again. */
  readonly be: (id: EngineId, absence: Absence | undefined) => void;
  /** Makes some calls of an engine do something else. */
  readonly change: (id: EngineId, other: (engine: Engine) => Partial<Engine>) => void;
  /** Writes a tree in which each engine runs containers of images: `web:1`. */
  readonly tree: (
    id: string,
    images: Readonly<Record<string, readonly EngineId[]>>,
    uids?: Readonly<Record<string, number>>,
  ) => string;
  readonly wanted: (id: string, only?: EngineId) => Promise<Wanted>;
  readonly plan: (id: string, options?: RunOptions) => Promise<Plan>;
  readonly stage: (id: string, options?: RunOptions) => Promise<Staged>;
  /** The findings in short: the code, and the engine if they are about one. */
  readonly findings: (id: string, only?: EngineId) => Promise<readonly string[]>;
  /** Loads what waits for the root, and activates it, as a boot does. */
  readonly boot: (id: string, group?: EngineGroup) => Promise<Activated>;
  readonly activate: (id: string, group?: EngineGroup) => Promise<Activated>;
  readonly record: (id: string) => RootRecord;
  /** The image that a name means on an engine. */
  readonly meaning: (id: EngineId, image: string) => Promise<string | undefined>;
  readonly fullName: (image: string) => string;
}

export async function startEngines(t: TestContext): Promise<ManyEngines> {
  const directory = temporaryDirectory(t);
  const server = await serve(t);
  const registry = client(t, [server]);
  const state = new State(join(directory, 'state'));
  const depots = openDepots({ directory: join(directory, 'state/store'), registry });
  const absences = new Map<EngineId, Absence>();
  const changes = new Map<EngineId, (engine: Engine) => Partial<Engine>>();
  const opened: EngineId[] = [];
  const warnings: string[] = [];
  const fullName = (image: string) => `${server.host}/${image}`;
  const partsOf = (id: EngineId): StandIn => ({
    id,
    directory: join(directory, 'engines', id),
    depot: depots.forEngine({ engine: id, serves: () => true }),
    registry,
    uid: users[engineParts(id).user ?? ''],
  });
  const engine = (id: EngineId) => standIn(partsOf(id));
  const open: Engines['open'] = async (id) => {
    opened.push(id);
    const absence = absences.get(id);
    if (absence !== undefined) return absentEngine(id, absence, partsOf(id).depot);
    return { ...engine(id), ...changes.get(id)?.(engine(id)) };
  };
  const context = (only?: EngineId): Context => ({
    engines: {
      own: 'podman',
      usual: 'podman',
      only,
      waitedFor: async () => depots.engines(),
      open,
    },
    state,
    report: (event) => {
      v.parse(ProgressEvent, event);
      if (event.event === 'warning') warnings.push(event.message);
    },
    signal: new AbortController().signal,
  });
  const locationOf = (id: string) => join(directory, 'roots', id);
  const wanted = async (id: string, only?: EngineId) => {
    const root = openRoot(locationOf(id));
    try {
      return await wantedOf(root, { ...readingFor(context(only)), bind: 'all', compose: [] });
    } finally {
      root.close();
    }
  };
  const activateRoot: ManyEngines['activate'] = (id, group) => {
    const engines = enginesAtBoot(context(), id, group);
    return activate(context(), { id, locked: new Set(), needs: true, engines });
  };
  const planned = (id: string) => ({ id, location: locationOf(id) });
  return {
    server,
    registry,
    state,
    warnings,
    opened,
    context,
    engine,
    be: (id, absence) => {
      if (absence === undefined) absences.delete(id);
      else absences.set(id, absence);
    },
    change: (id, other) => void changes.set(id, other),
    tree: (id, images, uids = users) => {
      rmSync(locationOf(id), { recursive: true, force: true });
      return writeRoot(locationOf(id), treeOf(images, uids, fullName));
    },
    wanted,
    plan: async (id, { only, ...options } = {}) => {
      const found = await wanted(id, only);
      const engines = new Set(found.bindings.map((one) => one.engine));
      const situation = await readSituation(context(only), { root: id, engines });
      return planStage(context(only), registry, situation, planned(id), found, options);
    },
    stage: async (id, { only, ...options } = {}) => {
      const found = await wanted(id, only);
      return stage(context(only), {
        id,
        engines: new Set(found.bindings.map((one) => one.engine)),
        plan: (situation) =>
          planStage(context(only), registry, situation, planned(id), found, options),
      });
    },
    findings: async (id, only) => {
      const situation = await readSituation(context(only), { root: id });
      const record = situation.records.get(id) ?? assert.fail(`no record of ${id}`);
      return judge(record, situation).map((one) =>
        one.engine === undefined ? one.code : `${one.code} ${one.engine}`,
      );
    },
    boot: async (id, group) => {
      const root = openRoot(locationOf(id));
      try {
        const engines = enginesAtBoot(context(), id, group);
        await loadShipped(context(), registry, root, planned(id), { compose: [], engines });
      } finally {
        root.close();
      }
      return activateRoot(id, group);
    },
    activate: activateRoot,
    record: (id) => state.record(id) ?? assert.fail(`no record of ${id}`),
    meaning: async (id, image) =>
      (await engine(id).images()).find(({ names }) => names.includes(fullName(image)))?.id,
    fullName,
  };
}

/** The files of a tree: Quadlet for podmans, else services. */
function treeOf(
  images: Readonly<Record<string, readonly EngineId[]>>,
  uids: Readonly<Record<string, number>>,
  fullName: (image: string) => string,
): Readonly<Record<string, string>> {
  const passwd = Object.entries(uids).map(
    ([name, uid]) => `${name}:x:${uid}:${uid}::/home/${name}:/bin/sh\n`,
  );
  const units = Object.entries(images).flatMap(([image, engines], index) =>
    engines.map((engine) => unitFor(engine, `app${index}`, fullName(image), uids)),
  );
  return {
    'etc/passwd': `root:x:0:0::/root:/bin/sh\n${passwd.join('')}`,
    'usr/lib/os-release': 'ID=test\n',
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...Object.fromEntries(units),
  };
}

function unitFor(
  engine: EngineId,
  unit: string,
  image: string,
  uids: Readonly<Record<string, number>>,
): [path: string, content: string] {
  const { kind, user } = engineParts(engine);
  if (kind !== 'podman') {
    const command = `/usr/bin/${kind} run --rm ${image}`;
    return [
      `usr/lib/systemd/system/${kind}-${unit}.service`,
      `[Service]\nExecStart=${command}\n\n[Install]\nWantedBy=multi-user.target\n`,
    ];
  }
  const directory =
    user === undefined
      ? 'usr/share/containers/systemd'
      : `etc/containers/systemd/users/${uids[user]}`;
  return [`${directory}/${unit}.container`, `[Container]\nImage=${image}\n`];
}
