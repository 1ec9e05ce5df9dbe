import { byDigest } from '../../image/name.ts';
import { type ResolvedImage, sizeOf } from '../../image/resolved.ts';
import type { Access } from '../../registry/access.ts';
import type { Credentials } from '../../registry/auth/auth-file.ts';
import { footprintOf } from '../containers-storage/footprint.ts';
import type { Depot } from '../depot.ts';
import type { Engine, Images } from '../engine.ts';
import { EngineError } from '../errors.ts';
import { byContainersImage } from '../fetch/containers-image.ts';
import { pullRefused } from '../fetch/pull-failure.ts';
import type { FetchWatch } from '../fetch-watch.ts';
import { accessOf, type Source } from '../source.ts';
import type { Cri, CriImage } from './cri.ts';

/** What the images of CRI-O need. */
export interface ImagesOptions {
  readonly cri: Cri;
  /**
   * A podman that works on CRI-O's own storage. The CRI can only pull, so this podman loads images that are on this
   * machine, and gives names that the registry does not.
   */
  readonly podman: Engine | undefined;
  readonly depot: Depot | undefined;
  /** The directory of CRI-O's storage. */
  readonly storage: string;
  /** The layers in the storage, as `readLayers` gives them. */
  readonly layers: () => readonly (readonly string[])[];
  /** The credentials for a registry; undefined for none. */
  readonly credentials: (name: string, access: Access) => Promise<Credentials | undefined>;
  /** The id of the image that a name means in its registry now. */
  readonly meaning: (name: string) => Promise<string>;
  /** Whether berth's copy of policy.json lets an image be pulled; CRI-O judges it as well. */
  readonly permit: (image: ResolvedImage, access: Access, signal?: AbortSignal) => Promise<void>;
  /** Whether something pins an image. */
  readonly isPinned: (id: string) => Promise<boolean>;
}

const PULLER = byContainersImage('crio');

/** CRI-O pulls several images at a time without slowing down; the kubelet asks for five. */
const PULLS_AT_A_TIME = 3;

/** The images of CRI-O. Their ids are the digests of their configs, as podman's are in the same storage. */
export function imagesOf(options: ImagesOptions): Images {
  const { cri, podman, depot, storage, layers } = options;
  return {
    concurrency: podman?.concurrency ?? PULLS_AT_A_TIME,
    ...(podman === undefined || depot === undefined ? {} : { depot }),
    idOf: (image) => image.config,
    images: async () =>
      (await cri.images()).map(({ id, names, digests, size }) => ({
        id: `sha256:${id}`,
        names,
        digests,
        size,
      })),
    has: async (id) => (await cri.image(hexOf(id))) !== undefined,
    footprint: async (images) =>
      podman?.footprint(images) ??
      footprintOf(images, layers(), { storage, temporary: '/var/tmp' }, undefined),
    freed: async (ids) =>
      podman?.freed(ids) ??
      (await cri.images())
        .filter(({ id }) => ids.has(`sha256:${id}`))
        .reduce((sum, { size }) => sum + size, 0),
    fetch: (image, source, watch) => fetchImage(options, image, source, watch),
    tag: (id, name) => tagImage(options, id, name),
    remove: (id) => removeImage(options, id),
  };
}

async function fetchImage(
  options: ImagesOptions,
  image: ResolvedImage,
  source: Source,
  watch: FetchWatch = {},
): Promise<string> {
  const { cri, podman } = options;
  const name = byDigest(image.name, image.digest);
  if (!isNamed(await cri.image(hexOf(image.config)), name)) {
    if (podman !== undefined && (await isAtHand(podman, image, source))) {
      await podman.fetch(image, source, watch);
    } else await pull(options, name, image, source, watch.signal);
    const found = await cri.image(name);
    if (found === undefined || found.id !== hexOf(image.config)) {
      throw failed(`${name} became the image ${found?.id}, expected ${image.config}`);
    }
  }
  watch.onBytes?.(sizeOf(image.blobs));
  return image.config;
}

/** Whether podman can load an image without a registry. */
async function isAtHand(podman: Engine, image: ResolvedImage, source: Source): Promise<boolean> {
  if (source.from === 'layout') return true;
  if (podman.depot?.find(image.name, image) === undefined) return false;
  const { images } = await podman.footprint([image]);
  return images.every(({ missing }) => missing.length === 0);
}

async function pull(
  { cri, credentials, permit }: ImagesOptions,
  name: string,
  image: ResolvedImage,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (source.from === 'layout') throw onlyPulls(image.name);
  const access = accessOf(source);
  await permit(image, access, signal);
  const given = await credentials(image.name, access);
  try {
    await cri.pull(name, given, signal);
  } catch (error) {
    throw pullRefused(PULLER, name, error);
  }
}

/**
 * Gives an image a name. Without a podman on the same storage berth has CRI-O pull the name, as long as the name
 * means this image in its registry.
 */
async function tagImage(options: ImagesOptions, id: string, name: string): Promise<void> {
  const { cri, podman, credentials, meaning } = options;
  if ((await cri.image(name))?.id === hexOf(id)) return;
  if (podman !== undefined) return podman.tag(id, name);
  if ((await cri.image(hexOf(id))) === undefined) {
    throw new EngineError('no-such-image', `crio has no image ${id}`, {
      hint: 'somebody removed it just now; stage the root again',
    });
  }
  if ((await meaning(name)) !== id) throw otherMeaning(name, id);
  await cri.pull(name, await credentials(name, {}), undefined);
  if ((await cri.image(name))?.id === hexOf(id)) return;
  // The tag has moved in the registry since it was resolved.
  await cri.remove(name);
  throw otherMeaning(name, id);
}

async function removeImage({ cri, isPinned }: ImagesOptions, id: string): Promise<boolean> {
  if (await isPinned(id)) return false;
  if ((await cri.image(hexOf(id))) === undefined) return true;
  try {
    await cri.remove(hexOf(id));
  } catch (error) {
    if (error instanceof EngineError && IN_USE.test(error.message)) return false;
    throw error;
  }
  return (await cri.image(hexOf(id))) === undefined;
}

/** containers/storage: `ErrImageUsedByContainer`; CRI-O, for an image that is a volume. */
const IN_USE = /image is in use by a container|mounted as volume|image used by/;

function isNamed(image: CriImage | undefined, name: string): boolean {
  return image?.digests.includes(name) === true;
}

function hexOf(id: string): string {
  return id.replace(/^sha256:/, '');
}

const HINT =
  "install podman, which shares CRI-O's storage, or make sure that the registry can be reached";

function onlyPulls(name: string): EngineError {
  return failed(`it takes images only from registries, and ${name} is only on this machine`, HINT);
}

function otherMeaning(name: string, id: string): EngineError {
  const reason = `the name means another image in its registry, and CRI-O takes names only from there`;
  return failed(`can't give the image ${id} the name ${name}: ${reason}`, HINT);
}

function failed(words: string, hint = '`journalctl -u crio` may say more'): EngineError {
  return new EngineError('engine-failed', `crio failed: ${words}`, { hint });
}
