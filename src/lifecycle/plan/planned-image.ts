import type { Binding } from '../../binding/bindings.ts';
import type { EngineId } from '../../common/engine-id.ts';
import type { Source } from '../../engine/source.ts';
import { type ResolvedImage, sizeOf } from '../../image/resolved.ts';
import { pinsOf } from '../provenance.ts';
import type { EngineSituation } from '../situation.ts';
import type { Resolution } from './kept.ts';
import { isKnownByDigest } from './known-by-digest.ts';
import type { Needed } from './needed.ts';
import type { Way } from './way.ts';

/** An image that the root is to have. */
export interface PlannedImage {
  readonly engine: EngineId;
  /** How the image comes, if it has to. */
  readonly way: Way;
  /** Whether the engine is absent, so that the image waits in its depot. */
  readonly waits: boolean;
  /** The engine's id. */
  readonly id: string;
  /** The image is an OCI artifact: it is kept without a pin. */
  readonly artifact?: true;
  readonly manifest: string;
  readonly platform: string;
  /** Compressed, in bytes. */
  readonly size: number;
  readonly names: readonly PlannedName[];
  readonly present: boolean;
  readonly pinned: boolean;
  /** To download for this image alone, in bytes. */
  readonly bytes: number;
  /** To copy from a layout on this machine, such as the root's own, in bytes. */
  readonly loads: number;
}

export interface PlannedName {
  readonly name: string;
  readonly digest: string;
  /** Whether the root's lock says what the name means. */
  readonly locked: boolean;
  readonly references: Binding['references'];
  /** The image to fetch and its source; absent if the record's image is kept and present. */
  readonly fetch?: PlannedFetch;
}

export interface PlannedFetch {
  readonly image: ResolvedImage;
  readonly source: Source;
  /** Whether the engine knows the image by this name's digest. */
  readonly isKnown: boolean;
}

/**
 * The images of one engine that names resolved to, each with all its names.
 *
 * @param blobs the blobs that are missing for each image, by its id.
 */
export function planImages(
  situation: Pick<EngineSituation, 'engine' | 'images' | 'pins'>,
  root: string,
  resolutions: readonly Resolution[],
  blobs: Needed['blobs'],
  way: Way,
): readonly PlannedImage[] {
  const pinned = pinsOf(root, situation.pins);
  return [...Map.groupBy(resolutions, ({ id }) => id)].flatMap(([id, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const missing = sizeOf(blobs.get(id) ?? []);
    const isLocal = group.every(({ source }) => source?.from === 'layout');
    const { artifact } = first.binding;
    return {
      engine: situation.engine.id,
      way,
      waits: situation.engine.absence !== undefined,
      id,
      ...(artifact === true ? { artifact } : {}),
      manifest: first.manifest,
      platform: first.platform,
      size: first.size,
      names: group.map((resolution) => planName(resolution, situation)),
      present: situation.images.has(id),
      pinned: pinned.has(id),
      bytes: isLocal ? 0 : missing,
      loads: isLocal ? missing : 0,
    };
  });
}

function planName(
  { id, binding, digest, locked, image, source }: Resolution,
  situation: Pick<EngineSituation, 'images'>,
): PlannedName {
  const { name, references } = binding;
  const planned = { name, digest, locked, references };
  if (image === undefined || source === undefined) return planned;
  return { ...planned, fetch: { image, source, isKnown: isKnownByDigest(image, id, situation) } };
}
