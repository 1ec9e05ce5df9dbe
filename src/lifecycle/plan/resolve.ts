import type { Binding } from '../../binding/bindings.ts';
import type { BoundProblem } from '../../binding/survey.ts';
import { unitsOf } from '../../binding/units-of.ts';
import { BerthError } from '../../common/errors.ts';
import { LOOKUPS_AT_A_TIME, type NameFailure, tryLimited } from '../../common/limited.ts';
import { parseName } from '../../image/name.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Contents, RootRecord } from '../../state/record.ts';
import type { Context, EngineContext } from '../context.ts';
import { LifecycleError, type LifecycleProblemCode } from '../error.ts';
import { atHand, isResolvedAnew, lookUp, wantedName } from '../look-up.ts';
import type { EngineSituation } from '../situation.ts';
import {
  asFound,
  keptFromDepot,
  keptFromRecord,
  keptWaiting,
  keptWhole,
  presentByName,
  type Resolution,
} from './kept.ts';
import { isKnownByDigest } from './known-by-digest.ts';
import { withinLayers } from './layers-in-all.ts';

interface Resolved {
  readonly resolutions: readonly Resolution[];
  readonly failures: readonly NameFailure[];
  readonly problems: readonly BoundProblem<LifecycleProblemCode>[];
}

/** The meanings of names on one engine that need no registry. */
export interface Known {
  /** The record of the root, with the images of the engine. */
  readonly record: RootRecord | undefined;
  /** The images that wait for the engine, if all that the root needs is here. */
  readonly waiting: Contents | undefined;
}

/**
 * Resolves each name of one engine once.
 *
 * The root's lock file goes before all else: the tag of a locked name is never asked for.
 *
 * A name whose policy is `missing` or `never` and that an earlier staging of this very root
 * resolved keeps what it meant then, as long as that is present: so staging again needs no
 * registry, and moves nothing that the unit would not move either. `never` is not fetched at all.
 *
 * A name whose image was downloaded for this root, and waits to be unpacked, keeps what it meant then,
 * whatever its policy: that image was asked for, and it needs no registry.
 *
 * Where the record is to be kept (`Binding.recorded`), an image that is gone is fetched again by the
 * digest on record.
 */
export async function resolveBindings(
  context: EngineContext,
  registry: Registry,
  situation: EngineSituation,
  known: Known,
  bindings: readonly Binding[],
): Promise<Resolved> {
  const problems: BoundProblem<LifecycleProblemCode>[] = [];
  const work = async (binding: Binding): Promise<Resolution | undefined> => {
    const kept = keptMeaning(context, situation, binding, known);
    if (kept !== undefined) return kept;
    if (await isNeverFetched(context, binding)) {
      problems.push(neverFetched(binding));
      return undefined;
    }
    return resolveBinding(context, registry, situation, binding);
  };
  const { signal, report } = context;
  const { results, failures } = await tryLimited(bindings, LOOKUPS_AT_A_TIME, signal, work);
  const found = withinLayers(results.filter((resolution) => resolution !== undefined));
  const unresolved = failures.map(({ name, error }) => ({
    name,
    error: isLocal(name) ? notHere(name, error) : orByName(bindings, situation, name, error),
  }));
  const failed = [...unresolved, ...found.failures].map((failure) => ({
    ...failure,
    wantedBy: unitsOf(
      bindings.filter(({ name }) => name === failure.name).flatMap(({ references }) => references),
    ),
  }));
  for (const {
    name,
    error: { code, message },
  } of failed) {
    report({ event: 'resolve-failed', name, code, message });
  }
  return {
    resolutions: found.resolutions,
    failures: failed,
    problems,
  };
}

/** The image of a name, if it is known without asking a registry. */
function keptMeaning(
  { engine }: EngineContext,
  situation: EngineSituation,
  binding: Binding,
  { record, waiting }: Known,
): Resolution | undefined {
  const kept =
    keptFromRecord(binding, situation, record) ??
    keptFromDepot(binding, engine.depot, waiting) ??
    (engine.absence === undefined
      ? keptWhole(binding, engine.depot, record)
      : keptWaiting(binding, engine.depot, record));
  if (kept !== undefined) return kept;
  if (!isHereOrNowhere(binding) || binding.lockProblem !== undefined) return undefined;
  return presentByName(binding, situation);
}

async function isNeverFetched(context: Context, binding: Binding): Promise<boolean> {
  if (binding.policy !== 'never' || binding.lockProblem !== undefined) return false;
  return (await atHand(context, binding, wantedName(binding))) === undefined;
}

/** Looks a name up, and sees whether whoever judges its image can let any image of that name in. */
async function resolveBinding(
  context: EngineContext,
  registry: Registry,
  situation: EngineSituation,
  binding: Binding,
): Promise<Resolution> {
  const { engine, report } = context;
  const { judges } = engine.traits;
  if (judges === 'berth') await registry.foresee(binding.name, 'berth');
  const { image, source } = await lookUp(context, registry, binding);
  const id = engine.idOf(image);
  if (judges === 'engine' && !isKnownByDigest(image, id, situation)) {
    await registry.foresee(binding.name, source.from === 'layout' ? 'archives' : 'engine');
  }
  report({ event: 'resolved', name: binding.name, digest: image.digest });
  return asFound(binding, id, image, source);
}

/** Whether the unit would run whatever image the engine has by the name, without a registry. */
function isHereOrNowhere(binding: Binding): boolean {
  return binding.policy === 'never' || (isLocal(binding.name) && !isResolvedAnew(binding));
}

/** podman names an image that is built without a registry's name after this one. */
function isLocal(name: string): boolean {
  return parseName(name).registry === 'localhost';
}

function notHere(name: string, error: BerthError): BerthError {
  if (error.code !== 'registry-unreachable' && error.code !== 'not-found') return error;
  const message = `${name}: expected an image that was built or loaded here, found none, nor a registry at localhost that has it`;
  return new LifecycleError('not-here', message, {
    hint: 'build it, or `podman load` it, before the root is staged; or push it to a registry, and let the unit name that',
    cause: error,
  });
}

/**
 * The error for a registry that can't be reached, with a word on an image that the engine has by the name: somebody
 * may have loaded it by hand. The unit would start it; whether it is the registry's, berth can't know.
 */
function orByName(
  bindings: readonly Binding[],
  { engine, images }: EngineSituation,
  name: string,
  error: BerthError,
): BerthError {
  if (!(error instanceof RegistryError) || error.kind !== 'unreachable') return error;
  const mayStart = bindings.some((binding) => binding.name === name && !isResolvedAnew(binding));
  const isThere = [...images.values()].some(({ names }) => names.includes(name));
  if (!mayStart || !isThere) return error;
  const { code, message, hint, cause, retryAfter } = error;
  const there = `${engine.id} has an image by this name, which berth can’t compare with the registry’s`;
  return new RegistryError(code, `${message}; ${there}`, {
    hint: `${hint}; if the image that is there is the right one, load it with \`berth load\`, or let the unit say Pull=never`,
    cause,
    retryAfter,
  });
}

function neverFetched(binding: Binding): BoundProblem<LifecycleProblemCode> {
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
