import type { Binding } from '../../binding/bindings.ts';
import type { Source } from '../../engine/source.ts';
import { byDigest, digestOf } from '../../image/name.ts';
import { formatPlatform } from '../../image/platform.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Contents, RecordImage, RootRecord } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { isResolvedAnew } from '../look-up.ts';
import type { Situation } from '../situation.ts';

/** What one binding's name means for the root that is being staged. */
export interface Resolution {
  readonly binding: Binding;
  /** The engine's id. */
  readonly id: string;
  readonly digest: string;
  readonly manifest: string;
  readonly platform: string;
  /** Compressed, in bytes. */
  readonly size: number;
  /** Whether the root's lock says what the name means. */
  readonly locked: boolean;
  /** As the registry describes it, and how it was reached; absent where the record was enough. */
  readonly image?: ResolvedImage;
  readonly source?: Source;
}

export function describe(binding: Binding, image: ResolvedImage) {
  return {
    digest: image.digest,
    manifest: image.manifest,
    platform: formatPlatform(binding.platform),
    size: image.blobs.reduce((sum, blob) => sum + blob.size, 0),
  };
}

export function keptFromRecord(
  binding: Binding,
  situation: Situation,
  record: RootRecord | undefined,
): Resolution | undefined {
  const { name, locked, recorded, lockProblem } = binding;
  if (lockProblem !== undefined) return undefined;
  if (locked === undefined && recorded === undefined && isResolvedAnew(binding)) return undefined;
  const platform = formatPlatform(binding.platform);
  const serves = (image: RecordImage) =>
    image.platform === platform && image.names.some(({ name }) => name === binding.name);
  const image = record?.staged?.images.find(serves);
  if (image === undefined || !situation.images.has(image.id)) return undefined;
  const digest = image.names.find((served) => served.name === name)?.digest ?? image.manifest;
  if (locked !== undefined && locked.digest !== digest) return undefined;
  if (!situation.images.get(image.id)?.digests.includes(byDigest(name, digest))) return undefined;
  const { id, manifest, size } = image;
  return { binding, id, digest, manifest, platform, size, locked: locked !== undefined };
}

export function keptFromDepot(
  { engine: { depot } }: Context,
  binding: Binding,
  waiting: Contents | undefined,
): Resolution | undefined {
  const { name, locked, recorded, lockProblem, accesses } = binding;
  if (lockProblem !== undefined) return undefined;
  const platform = formatPlatform(binding.platform);
  const image = waiting?.images.find(
    (one) => one.platform === platform && one.names.some((served) => served.name === name),
  );
  const digest = image?.names.find((served) => served.name === name)?.digest;
  if (image === undefined || digest === undefined) return undefined;
  if (![undefined, digest].includes(locked?.digest ?? recorded)) return undefined;
  const { id, manifest, size } = image;
  const isLocked = locked !== undefined;
  const found = depot?.find(name, { digest, manifest, platform });
  // What was pinned at once had nothing to wait for.
  if (found === undefined)
    return { binding, id, digest, manifest, platform, size, locked: isLocked };
  const source = { from: 'registry', access: accesses[0] ?? {} } as const;
  return { binding, id, ...describe(binding, found), locked: isLocked, image: found, source };
}

export function presentByName(binding: Binding, situation: Situation): Resolution | undefined {
  const { locked } = binding;
  // A tag may mean another image here than the lock says.
  const name = locked === undefined ? binding.name : byDigest(binding.name, locked.digest);
  for (const image of situation.images.values()) {
    if (!image.names.includes(name) && !image.digests.includes(name)) continue;
    const digest = locked?.digest ?? digestOf(name, image.digests) ?? image.id;
    return {
      binding,
      id: image.id,
      digest,
      manifest: digest,
      platform: formatPlatform(binding.platform),
      size: 0,
      locked: locked !== undefined,
    };
  }
  return undefined;
}
