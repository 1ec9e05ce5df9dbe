import { BerthError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import type { Binding } from './bindings.ts';
import type { Context, Situation } from './context.ts';
import { mapLimited } from './limited.ts';
import type { RecordImage, RootRecord } from './record.ts';
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
  /** As the registry describes it, and how it was reached; absent where the record was enough. */
  readonly image?: ResolvedImage;
  readonly access?: Access;
}

export interface ResolutionFailure {
  readonly binding: Binding;
  readonly error: BerthError;
}

interface Resolved {
  readonly resolutions: readonly Resolution[];
  readonly failures: readonly ResolutionFailure[];
  readonly problems: readonly BoundProblem[];
}

/** Enough to hide the round trips, few enough to be a polite client. */
const LOOKUPS_AT_A_TIME = 8;

/**
 * Resolves each name once.
 *
 * A name whose policy is `missing` or `never` and that an earlier staging of this very root
 * resolved keeps what it meant then, as long as that is present: so staging again needs no
 * registry, and moves nothing that the unit would not move either. `never` is not fetched at all.
 */
export async function resolveBindings(
  context: Context,
  registry: Registry,
  situation: Situation,
  record: RootRecord | undefined,
  bindings: readonly Binding[],
): Promise<Resolved> {
  const failures: ResolutionFailure[] = [];
  const problems: BoundProblem[] = [];
  const resolutions = await mapLimited(bindings, LOOKUPS_AT_A_TIME, async (binding) => {
    const kept = keptFromRecord(binding, situation, record);
    if (kept !== undefined) return kept;
    if (binding.policy === 'never') {
      const local = presentByName(binding, situation);
      if (local === undefined) problems.push(neverFetched(binding));
      return local;
    }
    context.signal.throwIfAborted();
    try {
      const { image, access } = await lookUp(registry, binding, context.signal);
      context.report({ event: 'resolved', name: binding.name, digest: image.digest });
      return {
        binding,
        id: context.engine.idOf(image),
        ...describe(binding, image),
        image,
        access,
      };
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof BerthError)) throw error;
      failures.push({ binding, error });
      return undefined;
    }
  });
  return { resolutions: resolutions.filter((r) => r !== undefined), failures, problems };
}

/** Tries each way in which the units say that the image can be had; the first error counts. */
export async function lookUp(
  registry: Registry,
  binding: Binding,
  signal: AbortSignal,
): Promise<{ image: ResolvedImage; access: Access }> {
  let first: unknown;
  for (const access of binding.accesses) {
    try {
      return {
        image: await registry.resolve(binding.name, binding.platform, access, signal),
        access,
      };
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
  if (binding.policy === 'always' || binding.policy === 'newer') return undefined;
  const platform = formatPlatform(binding.platform);
  const serves = (image: RecordImage) =>
    image.platform === platform && image.names.some(({ name }) => name === binding.name);
  const image = record?.staged?.images.find(serves);
  if (image === undefined || !situation.images.has(image.id)) return undefined;
  const digest = image.names.find(({ name }) => name === binding.name)?.digest ?? image.manifest;
  const known = `${binding.name.replace(/(:[^:/@]*|@.*)$/, '')}@${digest}`;
  if (!situation.images.get(image.id)?.digests.includes(known)) return undefined;
  return { binding, id: image.id, digest, manifest: image.manifest, platform, size: image.size };
}

function presentByName(binding: Binding, situation: Situation): Resolution | undefined {
  for (const image of situation.images.values()) {
    const named = image.names.includes(binding.name) || image.digests.includes(binding.name);
    if (!named) continue;
    const digest = digestOf(binding.name, image.digests) ?? image.id;
    return {
      binding,
      id: image.id,
      digest,
      manifest: digest,
      platform: formatPlatform(binding.platform),
      size: 0,
    };
  }
  return undefined;
}

/** The digest by which an engine knows an image under the repository of a name. */
export function digestOf(name: string, digests: readonly string[]): string | undefined {
  const repository = name.replace(/(:[^:/@]*|@.*)$/, '');
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
