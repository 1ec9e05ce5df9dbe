import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { EngineId } from '../../src/common/engine-id.ts';
import type { Depot } from '../../src/engine/depot.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { EngineError } from '../../src/engine/errors.ts';
import type { Footprint } from '../../src/engine/footprint.ts';
import type { Source } from '../../src/engine/source.ts';
import { byDigest } from '../../src/image/name.ts';
import type { ResolvedImage } from '../../src/image/resolved.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { openStore } from '../../src/store/store.ts';

export interface StandIn {
  readonly id: EngineId;
  /** The directory of its images; its own, so that another engine sees nothing of them. */
  readonly directory: string;
  readonly depot: Depot;
  readonly registry: Registry;
  /** The UID of the user whose engine it is, who pulls with other credentials. */
  readonly uid?: number | undefined;
}

/**
 * A stand-in for a podman: an embedded store under another id, which takes images from its depot if they
 * wait there, and pulls them by itself if not. As podman, it calls images by the digests of their configs,
 * and does not tell who fetched an image.
 */
export function standIn({ id, directory, depot, registry, uid }: StandIn): Engine {
  const store = openStore({ directory, registry });
  const configOf = (manifest: string) => configIn(directory, manifest);
  const manifestOf = async (config: string) => {
    const images = await store.images();
    return images.find((image) => configOf(image.id) === config)?.id ?? config;
  };
  const traits: Engine['traits'] = {
    downloads: 'engine',
    judges: 'engine',
    pullsAs: uid === undefined ? 'caller' : 'other',
    pins: 'firm',
  };
  return {
    ...store,
    id,
    ...(uid === undefined ? {} : { uid }),
    traits,
    depot,
    idOf: (image) => image.config,
    info: async () => ({ ...(await store.info()), name: id, version: '5.4.2' }),
    images: async () =>
      (await store.images()).map(({ fetched: _fetched, ...image }) => ({
        ...image,
        id: configOf(image.id),
      })),
    has: async (config) => store.has(await manifestOf(config)),
    freed: async (configs) => store.freed(new Set(await Promise.all([...configs].map(manifestOf)))),
    tag: async (config, name) => store.tag(await manifestOf(config), name),
    remove: async (config) => store.remove(await manifestOf(config)),
    pin: async (root, requests) => {
      const pinned = requests.map(async (one) => ({ ...one, id: await manifestOf(one.id) }));
      await store.pin(root, await Promise.all(pinned));
    },
    pins: async () =>
      (await store.pins()).map((pin) => ({ ...pin, engine: id, id: configOf(pin.id) })),
    unpin: async (pins) => {
      const handles = new Set(pins.map(({ handle }) => handle));
      await store.unpin((await store.pins()).filter(({ handle }) => handles.has(handle)));
    },
    footprint: async (images) => beside(depot, await store.footprint(images)),
    fetch: async (image, source, watch) => {
      const name = byDigest(image.name, image.digest);
      if ((await store.images()).some(({ digests }) => digests.includes(name))) return image.config;
      const { images } = await store.footprint([image]);
      const lacking = images.flatMap((one) => one.lacking);
      const waits =
        depot.find(image.name, image) !== undefined && lacking.every((blob) => depot.has(blob));
      const isPulled = !waits && source.from === 'registry';
      if (isPulled && traits.pullsAs === 'other') throw pulledAsOther(image, id);
      await store.fetch(image, waits ? sourceIn(depot, source) : source, watch);
      return image.config;
    },
  };
}

/** The digest of an image's config, by the manifest in a layout. */
function configIn(directory: string, manifest: string): string {
  const blob = join(directory, 'blobs', ...manifest.split(':'));
  const { config } = v.parse(Manifest, JSON.parse(readFileSync(blob, 'utf8')));
  return config.digest;
}

const Manifest = v.object({ config: v.object({ digest: v.string() }) });

/** What is missing if an engine may take blobs from its depot. */
function beside(depot: Depot, { images, direct }: Footprint): Footprint {
  const each = images.map(({ lacking }) => ({ lacking, missing: depot.missing(lacking) }));
  return { images: each, direct, fromDepot: direct };
}

function sourceIn({ images }: Depot, source: Source): Source {
  if (source.from === 'layout') return source;
  const none = { find: () => undefined, has: () => true, signatures: () => [] };
  return { from: 'layout', images: { ...images, ...none } };
}

function pulledAsOther({ name }: ResolvedImage, id: EngineId): EngineError {
  return new EngineError('engine-failed', `${id} pulled ${name} with the credentials of its user`, {
    hint: 'berth has to download what another user’s engine needs',
  });
}
