import type { Binding } from '../../binding/bindings.ts';
import type { BoundProblem } from '../../binding/survey.ts';
import { BerthError } from '../../common/errors.ts';
import { LOOKUPS_AT_A_TIME, type NameFailure, tryLimited } from '../../common/limited.ts';
import type { Source } from '../../engine/source.ts';
import { byDigest, digestOf, parseName } from '../../image/name.ts';
import { formatPlatform } from '../../image/platform.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Contents, RecordImage, RootRecord } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { atHand, isResolvedAnew, lookUp, wantedName } from '../look-up.ts';
import type { Situation } from '../situation.ts';
import { waitingContents } from '../waiting.ts';
import { isKnownByDigest } from './known-by-digest.ts';

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

interface Resolved {
  readonly resolutions: readonly Resolution[];
  readonly failures: readonly NameFailure[];
  readonly problems: readonly BoundProblem[];
}

/**
 * Resolves each name once.
 *
 * What the root's lock says of a name goes before all else, and its tag is never asked for.
 *
 * A name whose policy is `missing` or `never` and that an earlier staging of this very root
 * resolved keeps what it meant then, as long as that is present: so staging again needs no
 * registry, and moves nothing that the unit would not move either. `never` is not fetched at all.
 *
 * What was downloaded for this root and waits to be unpacked keeps what it meant then, whatever its
 * policy: that is what was asked for, and it needs no registry.
 *
 * Where the record is to be kept (`Binding.recorded`), what is gone is fetched again by the digest
 * on record.
 */
export async function resolveBindings(
  context: Context,
  registry: Registry,
  situation: Situation,
  record: RootRecord | undefined,
  bindings: readonly Binding[],
): Promise<Resolved> {
  const problems: BoundProblem[] = [];
  const waiting = waitingContents(record, situation);
  const work = async (binding: Binding): Promise<Resolution | undefined> => {
    const kept =
      keptFromRecord(binding, situation, record) ?? keptFromDepot(context, binding, waiting);
    if (kept !== undefined) return kept;
    if (isHereOrNowhere(binding) && binding.lockProblem === undefined) {
      const local = presentByName(binding, situation);
      if (local !== undefined) return local;
    }
    if (binding.policy === 'never' && binding.lockProblem === undefined) {
      if ((await atHand(context, binding, wantedName(binding))) === undefined) {
        problems.push(neverFetched(binding));
        return undefined;
      }
    }
    const { engine } = context;
    const { judges } = engine.traits;
    if (judges === 'berth') await registry.foresee(binding.name, 'berth');
    const { image, source } = await lookUp(context, registry, binding);
    const id = engine.idOf(image);
    const isPulled = judges === 'engine' && !isKnownByDigest(image, id, situation);
    if (isPulled) await registry.foresee(binding.name, 'engine');
    context.report({ event: 'resolved', name: binding.name, digest: image.digest });
    return {
      binding,
      id,
      ...describe(binding, image),
      locked: binding.locked !== undefined,
      image,
      source,
    };
  };
  const { signal } = context;
  const { results, failures } = await tryLimited(bindings, LOOKUPS_AT_A_TIME, signal, work);
  return {
    resolutions: results.filter((resolution) => resolution !== undefined),
    failures: failures.map(({ name, error }) => ({
      name,
      error: isLocal(name) ? notHere(name, error) : error,
    })),
    problems,
  };
}

/** Whether what the engine has by the name is what the unit would run, without a registry. */
function isHereOrNowhere(binding: Binding): boolean {
  return binding.policy === 'never' || (isLocal(binding.name) && !isResolvedAnew(binding));
}

/** What is built without a name of a registry gets this one. */
function isLocal(name: string): boolean {
  return parseName(name).registry === 'localhost';
}

function notHere(name: string, error: BerthError): BerthError {
  if (error.code !== 'registry-unreachable' && error.code !== 'not-found') return error;
  const message = `${name}: expected an image that was built or loaded here, found none, nor a registry at localhost that has it`;
  return new BerthError('not-here', message, {
    hint: 'build it, or `podman load` it, before the root is staged; or push it to a registry, and let the unit name that',
    cause: error,
  });
}

function describe(binding: Binding, image: ResolvedImage) {
  return {
    digest: image.digest,
    manifest: image.manifest,
    platform: formatPlatform(binding.platform),
    size: image.blobs.reduce((sum, blob) => sum + blob.size, 0),
  };
}

function keptFromRecord(
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

function keptFromDepot(
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

function presentByName(binding: Binding, situation: Situation): Resolution | undefined {
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

function neverFetched(binding: Binding): BoundProblem {
  const [place] = binding.references;
  return {
    code: 'pull-never',
    path: place?.path ?? '/',
    ...(place === undefined ? {} : { line: place.line }),
    message: `${binding.name} is never to be pulled, and it is not there`,
    hint: 'load the image by hand, or let the unit pull what is missing',
    bound: true,
  };
}
