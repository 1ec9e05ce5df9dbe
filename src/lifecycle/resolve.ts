import { BerthError } from '../errors.ts';
import { byDigest, parseName, repositoryOf } from '../image/name.ts';
import { formatPlatform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import type { ShippedImages } from '../registry/shipped.ts';
import type { Binding } from './bindings.ts';
import type { Context, Situation } from './context.ts';
import { waitingContents } from './depot.ts';
import { LOOKUPS_AT_A_TIME, type NameFailure, tryLimited } from './limited.ts';
import { LOCK_PATH } from './lock-file.ts';
import type { Contents, RecordImage, RootRecord } from './record.ts';
import { isKnownByDigest } from './space.ts';
import type { BoundProblem } from './survey.ts';

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
  readonly access?: Access;
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
    if (engine.name === 'store') await registry.foresee(binding.name, 'berth');
    const { image, access } = await lookUp(context, registry, binding);
    const id = engine.idOf(image);
    const isPulled = engine.name === 'podman' && !isKnownByDigest(image, id, situation);
    if (isPulled) await registry.foresee(binding.name, 'engine');
    context.report({ event: 'resolved', name: binding.name, digest: image.digest });
    return {
      binding,
      id,
      ...describe(binding, image),
      locked: binding.locked !== undefined,
      image,
      access,
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

/** What a name is looked up with. */
export type Lookup = Pick<Context, 'signal' | 'loaded'>;

/**
 * What a binding's name means: by the root's lock, else by the images that it ships, else by those
 * that were loaded for it, else by the registry. A name that is to be resolved anew means what the
 * registry says, where that answers. Where it does not, a name means what it did when the host was
 * loaded.
 *
 * @throws {BerthError} `lock-file`, or what the registry says.
 */
export async function lookUp(
  context: Lookup,
  registry: Registry,
  binding: Binding,
): Promise<{ image: ResolvedImage; access: Access }> {
  const { name, platform, locked, lockProblem } = binding;
  if (lockProblem !== undefined) {
    const { message, hint, path } = lockProblem;
    throw new BerthError('lock-file', `${path}: ${message}`, { hint });
  }
  const wanted = wantedName(binding);
  const { found, access } = await foundAt(context, registry, binding, wanted);
  const expected = locked?.platforms.get(formatPlatform(platform));
  if (expected !== undefined && expected !== found.manifest) {
    throw new BerthError(
      'lock-file',
      `${LOCK_PATH}: ${name} is locked to ${expected} for ${formatPlatform(platform)}, and ${wanted} has ${found.manifest}`,
      { hint: 'write it anew with `berth lock`' },
    );
  }
  return { image: { ...found, name }, access };
}

function wantedName({ name, locked, recorded }: Binding): string {
  const digest = locked?.digest ?? recorded;
  return digest === undefined ? name : byDigest(name, digest);
}

interface Found {
  readonly found: ResolvedImage;
  readonly access: Access;
}

async function foundAt(
  context: Lookup,
  registry: Registry,
  binding: Binding,
  wanted: string,
): Promise<Found> {
  const { signal } = context;
  const here = await atHand(context, binding, wanted);
  const isAnew = isResolvedAnew(binding) && wanted === binding.name;
  if (here !== undefined && !isAnew) return permitted(registry, binding, here, signal);
  let asked: Found;
  try {
    asked = await foundInRegistry(registry, binding, wanted, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    const known = here ?? foundIn((await context.loaded?.())?.all, binding, wanted);
    if (known === undefined) throw error;
    return permitted(registry, binding, known, signal);
  }
  if (here === undefined || asked.found.digest !== here.found.digest) return asked;
  return permitted(registry, binding, here, signal);
}

/** policy.json speaks of names, wherever their bytes come from. */
async function permitted(
  registry: Registry,
  binding: Binding,
  found: Found,
  signal: AbortSignal,
): Promise<Found> {
  const image = { ...found.found, name: binding.name };
  await firstThatWorks(binding, signal, (access) => registry.permit(image, access, { signal }));
  return found;
}

async function atHand(
  context: Lookup,
  binding: Binding,
  wanted: string,
): Promise<Found | undefined> {
  return (
    foundIn(binding.shipped, binding, wanted) ??
    foundIn((await context.loaded?.())?.awaiting, binding, wanted)
  );
}

function foundIn(
  shipped: ShippedImages | undefined,
  { platform }: Binding,
  wanted: string,
): Found | undefined {
  const found = shipped?.find(wanted, platform);
  if (shipped === undefined || found === undefined) return undefined;
  return { found, access: { shipped } };
}

function foundInRegistry(
  registry: Registry,
  binding: Binding,
  wanted: string,
  signal: AbortSignal,
): Promise<Found> {
  return firstThatWorks(binding, signal, (access) =>
    registry.resolve(wanted, binding.platform, access, signal),
  );
}

function isResolvedAnew({ policy }: Binding): boolean {
  return policy === 'always' || policy === 'newer';
}

/** Tries each way in which the units say that the image can be had; the first error counts. */
export async function firstThatWorks<T>(
  { accesses }: Binding,
  signal: AbortSignal,
  ask: (access: Access) => Promise<T>,
): Promise<{ found: T; access: Access }> {
  let first: unknown;
  for (const access of accesses) {
    try {
      return { found: await ask(access), access };
    } catch (error) {
      signal.throwIfAborted();
      first ??= error;
    }
  }
  throw first;
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
  const access = accesses[0] ?? {};
  return { binding, id, ...describe(binding, found), locked: isLocked, image: found, access };
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

/** The digest by which an engine knows an image under the repository of a name. */
export function digestOf(name: string, digests: readonly string[]): string | undefined {
  const repository = repositoryOf(name);
  const found = digests.find((digest) => digest.startsWith(`${repository}@`));
  return (found ?? digests[0])?.replace(/^.*@/, '');
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
