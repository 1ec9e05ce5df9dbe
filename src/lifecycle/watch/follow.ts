import type { EngineId } from '../../common/engine-id.ts';
import { BerthError } from '../../common/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Context } from '../context.ts';
import { pause, pauseAfter, UNHEARD } from './pause.ts';
import type { Wakeups } from './wakeups.ts';

/** In milliseconds: how often to look at an engine that has no events. */
const UNTOLD = 60_000;

/** After so many failures in a row the engine is opened anew: what berth started for it may be useless by now. */
const MANY = 4;

/** In milliseconds: if a stream of events lasted this long, berth asks for the next one without a long pause. */
const LASTING = 60_000;

/**
 * Passes on the losses that an engine tells of, until the signal is aborted. An engine that ends is asked again until
 * it is back. An engine without events causes a look once a minute.
 *
 * @throws the reason of the signal.
 */
export async function follow(context: Context, id: EngineId, wakeups: Wakeups): Promise<never> {
  const { signal } = context;
  let failures = 0;
  for (;;) {
    const begun = performance.now();
    try {
      const engine = await opened(context, id, failures >= MANY);
      if (engine.losses === undefined || engine.absence !== undefined) {
        wakeups.wake('listening');
        await pause(UNTOLD, signal);
        continue;
      }
      await listen(context, engine, wakeups);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BerthError)) throw error;
      if (failures === 0) sayUnheard(context, id, error);
    }
    failures = performance.now() - begun > LASTING ? 1 : failures + 1;
    await pause(pauseAfter(failures, UNHEARD), signal);
  }
}

/** Opens the engine; an absent one anew, as it may have come. */
async function opened({ engines }: Context, id: EngineId, anew: boolean): Promise<Engine> {
  const engine = await engines.open(id);
  if (engine.absence === undefined && !anew) return engine;
  await engines.forget?.(id);
  return engines.open(id);
}

/** In milliseconds: how long after the last event to look once more. Engines tell of removals before these are done. */
const AFTERWARDS = 1000;

/** In milliseconds: how often to look without any event, in case an engine has none for some loss. */
const ANYWAY = 5 * 60_000;

async function listen(context: Context, engine: Engine, wakeups: Wakeups): Promise<void> {
  const look = () => wakeups.wake('lost');
  const anyway = setInterval(look, ANYWAY);
  let afterwards: NodeJS.Timeout | undefined;
  try {
    for await (const wake of engine.losses?.(context.signal) ?? []) {
      if (wake === 'listening') context.report({ event: 'listening', engine: engine.id });
      wakeups.wake(wake);
      clearTimeout(afterwards);
      afterwards = setTimeout(look, AFTERWARDS);
    }
  } finally {
    clearInterval(anyway);
    clearTimeout(afterwards);
  }
}

function sayUnheard({ report }: Context, id: EngineId, { message }: BerthError): void {
  report({
    event: 'warning',
    code: 'engine-unheard',
    message: `nothing is heard of ${id} until it answers again: ${message}`,
  });
}
