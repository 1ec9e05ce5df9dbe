import type { Binding } from '../../binding/bindings.ts';
import type { Source } from '../../engine/source.ts';
import { type ResolvedImage, sizeOf } from '../../image/resolved.ts';
import { pinsOf } from '../provenance.ts';
import type { Situation } from '../situation.ts';
import type { Resolution } from './kept.ts';
import { isKnownByDigest } from './known-by-digest.ts';
import type { Needed } from './needed.ts';

export interface PlannedImage {
  readonly id: string;
  readonly manifest: string;
  readonly platform: string;
  /** Compressed, in bytes. */
  readonly size: number;
  readonly names: readonly PlannedName[];
  readonly present: boolean;
  readonly pinned: boolean;
  /** To download for this image alone, in bytes. */
  readonly bytes: number;
  /** To copy from what the root ships, in bytes. */
  readonly loads: number;
}

export interface PlannedName {
  readonly name: string;
  readonly digest: string;
  /** Whether the root's lock says what the name means. */
  readonly locked: boolean;
  readonly references: Binding['references'];
  /** What to fetch and how; absent where the record's image is kept and present. */
  readonly fetch?: PlannedFetch;
}

export interface PlannedFetch {
  readonly image: ResolvedImage;
  readonly source: Source;
  /** Whether the engine knows the image by this name's digest. */
  readonly isKnown: boolean;
}

export function planImage(
  situation: Situation,
  root: string,
  group: readonly Resolution[],
  blobs: Needed['blobs'],
): readonly PlannedImage[] {
  const [first] = group;
  if (first === undefined) return [];
  const comes = sizeOf(blobs.get(first.id) ?? []);
  const isShipped = group.every(({ source }) => source?.from === 'layout');
  const image = {
    id: first.id,
    manifest: first.manifest,
    platform: first.platform,
    size: first.size,
    names: group.map(({ binding, digest, locked, image, source }) => ({
      name: binding.name,
      digest,
      locked,
      references: binding.references,
      ...(image === undefined || source === undefined
        ? {}
        : { fetch: { image, source, isKnown: isKnownByDigest(image, first.id, situation) } }),
    })),
    present: situation.images.has(first.id),
    pinned: pinsOf(root, situation.pins).has(first.id),
    bytes: isShipped ? 0 : comes,
    loads: isShipped ? comes : 0,
  };
  return [image];
}
