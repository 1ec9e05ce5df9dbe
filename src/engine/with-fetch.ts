import type { Depot } from './depot.ts';
import type { Engine } from './engine.ts';

/** Every member must be listed, optional ones included, so that none can be forgotten. */
type Every<T> = { readonly [member in keyof Required<T>]: T[member] };

/**
 * The engine with another `fetch` and depot. Object spread would not do: an engine that is a class would
 * lose its methods without a type error.
 */
export function withFetch(engine: Engine, fetch: Engine['fetch'], depot?: Depot): Engine {
  const { genuine, tidyPins, containers, pods, keepsArtifacts } = engine;
  const { repair, losses, renewPins, findBlob, layers, unpackAhead } = engine;
  const every: Every<Engine> = {
    id: engine.id,
    traits: engine.traits,
    uid: engine.uid,
    concurrency: engine.concurrency,
    depot: depot ?? engine.depot,
    info: () => engine.info(),
    idOf: (image) => engine.idOf(image),
    images: () => engine.images(),
    has: (id) => engine.has(id),
    footprint: (images) => engine.footprint(images),
    freed: (ids) => engine.freed(ids),
    fetch,
    unpackAhead:
      unpackAhead === undefined
        ? undefined
        : (image, signal) => unpackAhead.call(engine, image, signal),
    findBlob: findBlob === undefined ? undefined : (digest) => findBlob.call(engine, digest),
    layers: layers === undefined ? undefined : () => layers.call(engine),
    tag: (id, name) => engine.tag(id, name),
    remove: (id) => engine.remove(id),
    pins: () => engine.pins(),
    genuine: genuine === undefined ? undefined : (pins) => genuine.call(engine, pins),
    roomFor: (root, count) => engine.roomFor(root, count),
    pin: (root, images) => engine.pin(root, images),
    unpin: (pins) => engine.unpin(pins),
    tidyPins: tidyPins === undefined ? undefined : () => tidyPins.call(engine),
    containers: containers === undefined ? undefined : (unit) => containers.call(engine, unit),
    pods: pods === undefined ? undefined : () => pods.call(engine),
    absence: engine.absence,
    keepsArtifacts: keepsArtifacts === undefined ? undefined : () => keepsArtifacts.call(engine),
    repair: repair === undefined ? undefined : (signal) => repair.call(engine, signal),
    losses: losses === undefined ? undefined : (signal) => losses.call(engine, signal),
    renewPins: renewPins === undefined ? undefined : () => renewPins.call(engine),
    close: () => engine.close(),
  };
  return every;
}

/** The depot with another `bring`. */
export function withBring(depot: Depot, bring: Depot['bring']): Depot {
  return changed(depot, { bring, serves: (image) => depot.serves(image) });
}

/** The depot of an engine that takes other images from it. */
export function withServes(depot: Depot, serves: Depot['serves']): Depot {
  return changed(depot, {
    serves,
    bring: (hold, image, blobs, source, watch) => depot.bring(hold, image, blobs, source, watch),
  });
}

function changed(depot: Depot, { bring, serves }: Pick<Depot, 'bring' | 'serves'>): Depot {
  const every: Every<Depot> = {
    directory: depot.directory,
    images: depot.images,
    permit: (image, access, options) => depot.permit(image, access, options),
    serves,
    has: (blob) => depot.has(blob),
    missing: (blobs) => depot.missing(blobs),
    find: (name, meaning) => depot.find(name, meaning),
    pins: () => depot.pins(),
    bring,
    drop: (pins) => depot.drop(pins),
  };
  return every;
}
