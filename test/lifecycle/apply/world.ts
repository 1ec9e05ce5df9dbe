import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import * as v from 'valibot';
import { wantedOf } from '../../../src/binding/wanted.ts';
import { ProgressEvent } from '../../../src/documents/progress.ts';
import type { ServiceContainer } from '../../../src/engine/containers.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { type Applied, apply, planApply } from '../../../src/lifecycle/apply/apply.ts';
import { type Context, readingFor } from '../../../src/lifecycle/context.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { readRecords } from '../../../src/state/records.ts';
import { State } from '../../../src/state/state.ts';
import { openStore } from '../../../src/store/store.ts';
import type { Service, ServiceManager } from '../../../src/systemctl/services.ts';
import { container, writeRoot } from '../../support/berth.ts';
import { theOnly } from '../../support/engines.ts';
import { buildImage } from '../../support/image-builder.ts';
import { client, serve } from '../../support/registry-client.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

export class Killed extends Error {}

/**
 * A root that runs, whose services run what their names mean when they are started: systemd and
 * podman are stood in for, so that a run can be killed at each of its steps. Registry and images
 * are real.
 */
export async function startWorld(t: TestContext) {
  const directory = temporaryDirectory(t);
  const server = await serve(t);
  const registry = client(t, [server]);
  const store = openStore({ directory: join(directory, 'store'), registry });
  const location = join(directory, 'root');
  const stateDirectory = join(directory, 'state');
  const fullName = (image: string) => `${server.host}/${image}`;

  const units = new Map<string, { image: string; after: readonly string[] }>();
  /** The services that run: the image id by unit, and the image name with which the service was started. */
  const running = new Map<string, { id: string; image: string }>();
  const bad = new Set<string>();
  /** The services that end by themselves as soon as a name moves. */
  const ending = new Set<string>();
  const restarted: string[] = [];
  let starts = 0;
  let pruning = false;

  let left = Number.POSITIVE_INFINITY;
  /** A step of the run: before and after it the run may be killed. */
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (left-- <= 0) throw new Killed();
    const result = await work();
    if (left-- <= 0) throw new Killed();
    return result;
  };

  const meaning = async (name: string) =>
    (await store.images()).find(({ names }) => names.includes(name))?.id;
  const engine: Engine = {
    ...store,
    tag: (id, name) => {
      for (const unit of ending) running.delete(unit);
      return step(() => store.tag(id, name));
    },
    pin: (root, images) => step(() => store.pin(root, images)),
    unpin: (pins) => step(() => store.unpin(pins)),
    fetch: (...words) => step(() => store.fetch(...words)),
    containers: async () =>
      [...running].flatMap(([unit, { id, image }]): readonly ServiceContainer[] => {
        if (image === '') return [];
        const name = unit.replace('.service', '');
        return [{ id: name, name, unit, image, imageId: id, command: [], policy: '' }];
      }),
  };
  const serviceOf = (unit: string): Service => ({
    unit,
    names: [unit],
    loaded: units.has(unit),
    state: running.has(unit) ? 'active' : 'failed',
    invocation: String(starts),
    type: 'notify',
    stale: running.has(unit) && running.get(unit)?.image !== units.get(unit)?.image,
    after: units.get(unit)?.after ?? [],
    command: '',
    preparations: [],
  });
  /** As systemd does with what requires a service that does not start. */
  const giveUp = (failed: string) => {
    for (const [unit, { after }] of units) {
      if (after.includes(failed) && running.delete(unit)) giveUp(unit);
    }
  };
  const start = async (unit: string): Promise<string | undefined> => {
    starts += 1;
    const before = running.get(unit);
    running.delete(unit);
    // Whatever nothing holds may be taken as soon as its container is gone.
    if (before !== undefined && pruning) await store.remove(before.id);
    const { image = '', after = [] } = units.get(unit) ?? {};
    const id = image === '' ? '' : await meaning(image);
    const isReady = after.every((one) => running.has(one));
    if (!isReady || id === undefined || bad.has(id) || bad.has(`${unit} ${id}`)) {
      giveUp(unit);
      return `Job for ${unit} failed`;
    }
    running.set(unit, { id, image });
    return undefined;
  };
  const manager: ServiceManager = {
    scopes: new Set(['system']),
    all: async (asked) =>
      new Map([...units.keys(), ...asked].map((unit) => [unit, serviceOf(unit)])),
    one: async (unit) => serviceOf(unit),
    reload: () => step(async () => undefined),
    restart: (unit) =>
      step(async () => {
        restarted.push(unit);
        return start(unit);
      }),
  };
  const context: Context = {
    engines: theOnly(engine),
    state: new State(stateDirectory),
    report: (event) => void v.parse(ProgressEvent, event),
    signal: new AbortController().signal,
  };
  return {
    server,
    engine,
    location,
    stateDirectory,
    restarted,
    /** Pushes an image with its own content, and gives its id. */
    push: (image: string, seed: number): string =>
      server.push(image, buildImage({ layers: [{ bytes: 2000, seed }] })).digest,
    /** Says of an image that nothing comes up with it, or one service does not. */
    breaks: (id: string, name?: string) =>
      void bad.add(name === undefined ? id : `${name}.service ${id}`),
    /** The root's units: `web` runs an image, and is started after other units. */
    write: (services: Readonly<Record<string, { image: string; after?: readonly string[] }>>) => {
      units.clear();
      const files = Object.entries(services).map(([name, { image, after = [] }]) => {
        const full = fullName(image);
        const service = (one: string) => `${one}.service`;
        units.set(service(name), { image: full, after: after.map(service) });
        return container(name, full);
      });
      writeRoot(location, {
        'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
        ...Object.assign({}, ...files),
      });
    },
    /** A service that uses no image, and requires another service. */
    writeOther: (name: string, after: string) =>
      void units.set(`${name}.service`, { image: '', after: [`${after}.service`] }),
    endsSoon: (name: string) => void ending.add(`${name}.service`),
    mends: (id: string) => void bad.delete(id),
    prune: () => void (pruning = true),
    /** The machine as berth never saw it, with what it runs. */
    forget: async () => {
      await store.unpin(await store.pins());
      rmSync(stateDirectory, { recursive: true });
    },
    start: (name: string) => start(`${name}.service`),
    /** @param steps that it gets until it is killed. */
    apply: async (steps = Number.POSITIVE_INFINITY, isBooted = true): Promise<Applied> => {
      left = steps;
      const root = openRoot(location);
      try {
        const wanted = await wantedOf(root, {
          ...readingFor(context),
          bind: undefined,
          compose: [],
        });
        const deployment = { updater: 'directories', role: 'booted' } as const;
        const planned = { id: 'a', location, ...(isBooted ? { deployment } : {}) };
        return await apply(
          context,
          manager,
          {
            id: 'a',
            engines: new Set(),
            plan: (situation) => planApply(context, registry, situation, planned, wanted),
          },
          { seconds: 0 },
        );
      } finally {
        root.close();
        left = Number.POSITIVE_INFINITY;
      }
    },
    runs: (name: string) => running.get(`${name}.service`)?.id,
    meaning: (image: string) => meaning(fullName(image)),
    tag: (id: string, image: string) => store.tag(id, fullName(image)),
    recorded: (image: string) =>
      readRecords(stateDirectory)
        .byId.get('a')
        ?.staged?.images.find(({ names }) => names.some(({ name }) => name === fullName(image)))
        ?.id,
    record: () => readRecords(stateDirectory).byId.get('a'),
  };
}

/** The outcome of each service, by its name. */
export function outcomes({ services }: Applied): Readonly<Record<string, string>> {
  return Object.fromEntries(
    services.map(({ unit, updated }) => [unit.replace('.service', ''), updated]),
  );
}
