import type { Binding } from '../../binding/bindings.ts';
import type { Depot } from '../../engine/depot.ts';
import { isKnownAs } from '../../engine/known-as.ts';
import type { Source } from '../../engine/source.ts';
import { byDigest, digestOf } from '../../image/name.ts';
import { formatPlatform } from '../../image/platform.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Contents, RecordImage, RootRecord } from '../../state/record.ts';
import { isResolvedAnew } from '../look-up.ts';
import type { EngineSituation } from '../situation.ts';

/** The image that one binding's name means for the root that is being staged. */
export interface Resolution {
  readonly binding: Binding;
  /** The engine's id of the image. */
  readonly id: string;
  readonly digest: string;
  readonly manifest: string;
  readonly platform: string;
  /** Compressed, in bytes. */
  readonly size: number;
  /** Whether the root's lock says what the name means. */
  readonly locked: boolean;
  /** The image as it was looked up, and where it comes from; absent where the record was enough. */
  readonly image?: ResolvedImage;
  readonly source?: Source;
}

/**
 * The image that a name meant when this root was staged, if that is still present by this name's digest.
 * A name that is to be resolved anew keeps nothing, unless the root's lock or record says its digest.
 */
export function keptFromRecord(
  binding: Binding,
  { images }: Pick<EngineSituation, 'images'>,
  record: RootRecord | undefined,
): Resolution | undefined {
  const { name, locked, recorded, lockProblem } = binding;
  if (lockProblem !== undefined) return undefined;
  if (locked === undefined && recorded === undefined && isResolvedAnew(binding)) return undefined;
  const image = imageFor(binding, record?.staged);
  if (image === undefined) return undefined;
  const digest = digestFor(name, image) ?? image.manifest;
  if (locked !== undefined && locked.digest !== digest) return undefined;
  if (!isKnownAs(images.get(image.id), name, digest)) return undefined;
  return asRecorded(binding, image, digest);
}

/**
 * The image that a name meant when it was downloaded for this root, whatever the policy: unless the
 * root's lock or record has another digest for the name by now.
 *
 * @param waiting what `waitingContents` says of the root.
 */
export function keptFromDepot(
  binding: Binding,
  depot: Pick<Depot, 'find'> | undefined,
  waiting: Contents | undefined,
): Resolution | undefined {
  const { name, locked, recorded, lockProblem, accesses } = binding;
  if (lockProblem !== undefined) return undefined;
  const image = imageFor(binding, waiting);
  const digest = image === undefined ? undefined : digestFor(name, image);
  if (image === undefined || digest === undefined) return undefined;
  if (![undefined, digest].includes(locked?.digest ?? recorded)) return undefined;
  const { manifest, platform } = image;
  const found = depot?.find(name, { digest, manifest, platform });
  // An image that is not in the depot was pinned at once.
  if (found === undefined) return asRecorded(binding, image, digest);
  return asFound(binding, image.id, found, { from: 'registry', access: accesses[0] ?? {} });
}

/**
 * The image that waits for an engine that is absent, since this root was staged. A name that is to be
 * resolved anew keeps nothing, as in `keptFromRecord`.
 */
export function keptWaiting(
  binding: Binding,
  depot: Pick<Depot, 'find'> | undefined,
  record: RootRecord | undefined,
): Resolution | undefined {
  const { locked, recorded } = binding;
  if (locked === undefined && recorded === undefined && isResolvedAnew(binding)) return undefined;
  const kept = keptFromDepot(binding, depot, record?.staged);
  return kept?.image === undefined ? undefined : kept;
}

/**
 * The image on record, if the whole image is in berth's own store, for whichever engine it was stored. berth then puts
 * a removed image back without a registry.
 */
export function keptWhole(
  binding: Binding,
  depot: Pick<Depot, 'find' | 'missing'> | undefined,
  record: RootRecord | undefined,
): Resolution | undefined {
  if (binding.recorded === undefined) return undefined;
  const kept = keptFromDepot(binding, depot, record?.staged);
  if (kept?.image === undefined) return undefined;
  return depot?.missing(kept.image.blobs).length === 0 ? kept : undefined;
}

/** An image that the engine has by the binding's very name, or by the digest of the root's lock. */
export function presentByName(
  binding: Binding,
  { images }: Pick<EngineSituation, 'images'>,
): Resolution | undefined {
  const { locked } = binding;
  // A tag may mean another image here than the lock says.
  const name = locked === undefined ? binding.name : byDigest(binding.name, locked.digest);
  const image = [...images.values()].find(
    ({ artifact, names, digests }) =>
      artifact === binding.artifact && (names.includes(name) || digests.includes(name)),
  );
  if (image === undefined) return undefined;
  const digests = [...image.digests, ...(image.vouched ?? [])];
  const digest = locked?.digest ?? digestOf(name, digests) ?? image.id;
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

/** @param id the engine's. */
export function asFound(
  binding: Binding,
  id: string,
  image: ResolvedImage,
  source: Source,
): Resolution {
  return {
    binding,
    id,
    digest: image.digest,
    manifest: image.manifest,
    platform: formatPlatform(binding.platform),
    size: image.blobs.reduce((sum, blob) => sum + blob.size, 0),
    locked: binding.locked !== undefined,
    image,
    source,
  };
}

function asRecorded(binding: Binding, image: RecordImage, digest: string): Resolution {
  const { id, manifest, platform, size } = image;
  return { binding, id, digest, manifest, platform, size, locked: binding.locked !== undefined };
}

function imageFor({ name, artifact, platform }: Binding, contents: Contents | undefined) {
  const wanted = formatPlatform(platform);
  return contents?.images.find(
    (image) =>
      image.artifact === artifact &&
      image.platform === wanted &&
      digestFor(name, image) !== undefined,
  );
}

function digestFor(name: string, { names }: RecordImage): string | undefined {
  return names.find((served) => served.name === name)?.digest;
}
