import type { Binding } from '../../binding/bindings.ts';
import type { BoundProblem } from '../../binding/survey.ts';
import { BerthError } from '../../common/errors.ts';
import { LOOKUPS_AT_A_TIME, type NameFailure, tryLimited } from '../../common/limited.ts';
import { parseName } from '../../image/name.ts';
import type { Registry } from '../../registry/registry.ts';
import type { RootRecord } from '../../state/record.ts';
import type { Context } from '../context.ts';
import type { LifecycleErrorCode } from '../error-code.ts';
import { atHand, isResolvedAnew, lookUp, wantedName } from '../look-up.ts';
import type { LifecycleProblemCode } from '../problem-code.ts';
import type { Situation } from '../situation.ts';
import { waitingContents } from '../waiting.ts';
import { describe, keptFromDepot, keptFromRecord, presentByName, type Resolution } from './kept.ts';
import { isKnownByDigest } from './known-by-digest.ts';

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
  return new BerthError<LifecycleErrorCode>('not-here', message, {
    hint: 'build it, or `podman load` it, before the root is staged; or push it to a registry, and let the unit name that',
    cause: error,
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
