import type { Binding } from '../../src/binding/bindings.ts';
import type { EngineId } from '../../src/common/engine-id.ts';
import type { Engine, EngineImage } from '../../src/engine/engine.ts';
import type { Pin } from '../../src/engine/pin.ts';
import { type EngineSituation, recordsOn, type Situation } from '../../src/lifecycle/situation.ts';
import type { RecordImage, RootRecord } from '../../src/state/record.ts';
import { openStore } from '../../src/store/store.ts';
import { noNetwork } from './first-boot.ts';

/** A digest that a letter stands for. */
export function digestFor(letter: string): string {
  return `sha256:${letter.repeat(64).slice(0, 64)}`;
}

export function recordImage(letter: string, ...names: string[]): RecordImage {
  const id = digestFor(letter);
  return {
    id,
    manifest: id,
    platform: 'linux/amd64',
    size: 10,
    fetched: true,
    names: names.map((name) => ({ name, digest: id, references: [] })),
    engine: 'store',
  };
}

export function stagedRecord(id: string, ...images: RecordImage[]): RootRecord {
  return {
    apiVersion: 'berth/v1',
    kind: 'Record',
    id,
    location: `/srv/${id}`,
    engine: 'store',
    staged: { time: '2026-01-01T00:00:00.000Z', images, problems: [], unresolved: [] },
    released: [],
  };
}

export function pinFor(root: string, image: RecordImage, of = 1, staged = '2026-01-01'): Pin {
  return {
    root,
    engine: image.engine,
    handle: `${root} ${image.id}`,
    id: image.id,
    platform: image.platform,
    fetched: image.fetched,
    names: image.names.map(({ name, digest }) => ({ name, digest, manifest: image.manifest })),
    record: { location: `/srv/${root}`, images: of, problems: 0, staged },
  };
}

export function engineImage(letter: string, ...names: string[]): EngineImage {
  const id = digestFor(letter);
  return { id, names, digests: [`registry.example.com/x@${id}`], size: 100 };
}

/** An engine of which only what is given matters; else it is an embedded store that has nothing. */
export function engineSample(id: EngineId, more: Partial<Engine> = {}): Engine {
  return { ...openStore({ directory: '/nonexistent', registry: noNetwork }), id, ...more };
}

/** The situation of one engine, with its images and pins. */
export function engineSituation(
  engine: Engine,
  records: readonly RootRecord[],
  more: Partial<EngineSituation> = {},
): EngineSituation {
  const byId = new Map(records.map((record) => [record.id, record]));
  return {
    engine,
    records: recordsOn(byId, engine.id),
    images: new Map(),
    pins: [],
    holds: [],
    waiting: new Set(),
    store: () => undefined,
    ...more,
  };
}

/** Several engines, all of which were looked at, in a run that is narrowed to none. */
export function situationIn(
  records: readonly RootRecord[],
  engines: readonly EngineSituation[],
  more: Partial<Situation> = {},
): Situation {
  return {
    records: new Map(records.map((record) => [record.id, record])),
    engines: new Map(engines.map((on) => [on.engine.id, on])),
    chosen: {},
    running: undefined,
    ...more,
  };
}

/** The embedded store, which takes everything, with its images and pins. */
export function situationOf(
  records: readonly RootRecord[],
  images: readonly EngineImage[],
  pins: readonly Pin[],
  more: Partial<EngineSituation> = {},
): Situation {
  return situationIn(records, [storeWith(records, images, pins, more)], {
    chosen: { all: 'store' },
  });
}

/** The same, for functions that look at one engine alone. */
export function storeWith(
  records: readonly RootRecord[],
  images: readonly EngineImage[],
  pins: readonly Pin[],
  more: Partial<EngineSituation> = {},
): EngineSituation {
  return engineSituation(engineSample('store'), records, {
    images: imagesById(images),
    pins,
    ...more,
  });
}

export function imagesById(images: readonly EngineImage[]): ReadonlyMap<string, EngineImage> {
  return new Map(images.map((image) => [image.id, image]));
}

/** What a root wants by a name: from the registry, if the image is missing. */
export function bindingFor(name: string, more: Partial<Binding> = {}): Binding {
  return {
    engine: 'store',
    name,
    platform: { os: 'linux', architecture: 'amd64' },
    accesses: [{}],
    policy: 'missing',
    references: [],
    stores: [],
    ...more,
  };
}
