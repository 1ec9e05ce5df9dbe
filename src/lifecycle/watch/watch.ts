import { join } from 'node:path';
import type { EngineId } from '../../common/engine-id.ts';
import type { Registry } from '../../registry/registry.ts';
import { isLiving, wantedImages } from '../../state/record.ts';
import { refuseUnwritable } from '../../state/state-directory.ts';
import type { Context } from '../context.ts';
import { whenChanged } from './records-change.ts';
import { unrepeated } from './unrepeated.ts';
import { watchEngine } from './watch-engine.ts';
import type { Watch } from './watch-parts.ts';

/** In milliseconds: how often the records are read, even without news of a change. */
const MINUTE = 60_000;

/**
 * Puts back what others take from the engines of living roots, until the signal of the context is aborted. An
 * engine is watched as long as a record has an image on it.
 *
 * @throws {BerthError} `state-directory` if berth can't write there; the reason of the signal.
 */
export async function watch(
  given: Context,
  registry: Registry,
  { asRun, onForce }: Pick<Watch, 'asRun' | 'onForce'>,
): Promise<never> {
  const context = { ...given, report: unrepeated(given.report) };
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const refresh = watchersOf({ context, registry, onForce, asRun, fail });
  const records = whenChanged(join(context.state.directory, 'roots'), refresh);
  const timer = setInterval(() => {
    records.renew();
    refresh();
  }, MINUTE);
  const stop = () => fail(context.signal.reason);
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    refresh();
    return await failed;
  } finally {
    records.end();
    clearInterval(timer);
  }
}

/** @returns a function that starts to watch engines that records now use, and stops to watch all others. */
function watchersOf(parts: Watch): () => void {
  const { context, asRun, fail } = parts;
  const watched = new Map<EngineId, AbortController>();
  const begin = async (id: EngineId, end: AbortController) => {
    const signal = AbortSignal.any([context.signal, end.signal]);
    // What is still at work when the engine is let go ends by the signal.
    const failHere = (error: unknown) => {
      if (!end.signal.aborted) fail(error);
    };
    try {
      await watchEngine({ ...parts, context: { ...context, signal }, fail: failHere }, id);
    } catch (error) {
      failHere(error);
    }
  };
  const refresh = async () => {
    refuseUnwritable(context.state.directory);
    const wanted = enginesToWatch(context);
    for (const [id, end] of watched) {
      if (wanted.has(id)) continue;
      watched.delete(id);
      end.abort();
    }
    for (const id of wanted) {
      if (watched.has(id)) continue;
      const end = new AbortController();
      watched.set(id, end);
      void begin(id, end);
    }
  };
  return () => void asRun(refresh).catch(fail);
}

/** The engines with images that a living root wants, as far as this run looks at them. */
function enginesToWatch({ state, engines: { all, only } }: Context): ReadonlySet<EngineId> {
  const chosen = all ?? only;
  const living = [...state.records().byId.values()].filter(isLiving);
  const engines = new Set(living.flatMap(wantedImages).map(({ engine }) => engine));
  return chosen === undefined ? engines : new Set([...engines].filter((id) => id === chosen));
}
