import type { Binding } from '../binding/bindings.ts';
import { LOCK_PATH } from '../binding/lock.ts';
import { BerthError } from '../common/errors.ts';
import { type Source, signaturesBeside } from '../engine/source.ts';
import { byDigest } from '../image/name.ts';
import { formatPlatform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { ShippedImages } from '../oci/local-images.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import type { Context } from './context.ts';
import { LifecycleError } from './error.ts';

/** The part of a context with which a name is looked up. */
export type Lookup = Pick<Context, 'signal' | 'loaded'>;

/**
 * The image that a binding's name means: by the root's lock file, else by the images that the root
 * ships, else by the images that were loaded for it, else by the registry. A name that is to be resolved
 * anew means what the registry says, if the registry answers; if not, it means what it did when
 * `berth load` brought its image.
 *
 * @throws {BerthError} `lock-file`, or what the registry says.
 */
export async function lookUp(
  context: Lookup,
  registry: Registry,
  binding: Binding,
): Promise<{ image: ResolvedImage; source: Source }> {
  const { name, artifact, platform, locked, lockProblem } = binding;
  if (lockProblem !== undefined) {
    const { message, hint, path } = lockProblem;
    throw new LifecycleError('lock-file', `${path}: ${message}`, { hint });
  }
  const wanted = wantedName(binding);
  const { found, source } = await foundAt(context, registry, binding, wanted);
  const expected = locked?.platforms.get(formatPlatform(platform));
  if (expected !== undefined && expected !== found.manifest) {
    throw new LifecycleError(
      'lock-file',
      `${LOCK_PATH}: ${name} is locked to ${expected} for ${formatPlatform(platform)}, and ${wanted} has ${found.manifest}`,
      { hint: 'write it anew with `berth lock`' },
    );
  }
  return { image: { ...found, name, ...(artifact === true ? { artifact } : {}) }, source };
}

export function wantedName({ name, locked, recorded }: Binding): string {
  const digest = locked?.digest ?? recorded;
  return digest === undefined ? name : byDigest(name, digest);
}

interface Found {
  readonly found: ResolvedImage;
  readonly source: Source;
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
  const beside = () => signaturesBeside(found.source, image);
  await firstThatWorks(binding, signal, (access) =>
    registry.permit(image, access, { signal, beside }),
  );
  return found;
}

export async function atHand(
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
  images: ShippedImages | undefined,
  { platform }: Binding,
  wanted: string,
): Found | undefined {
  const found = images?.find(wanted, platform);
  if (images === undefined || found === undefined) return undefined;
  return { found, source: { from: 'layout', images } };
}

async function foundInRegistry(
  registry: Registry,
  binding: Binding,
  wanted: string,
  signal: AbortSignal,
): Promise<Found> {
  const { found, access } = await firstThatWorks(binding, signal, (access) =>
    registry.resolve(wanted, binding.platform, access, signal),
  );
  return { found, source: { from: 'registry', access } };
}

export function isResolvedAnew({ policy }: Binding): boolean {
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
