import type { EngineId } from '../../common/engine-id.ts';
import { BerthError } from '../../common/errors.ts';
import { type Context, changing } from '../context.ts';
import { recoverSituation } from '../situation.ts';
import { follow } from './follow.ts';
import { type Look, lookToPutBack } from './look.ts';
import { pause, pauseAfter, UNHEARD } from './pause.ts';
import { respectfulLook } from './respect.ts';
import { type Wakeups, wakeups } from './wakeups.ts';
import type { Watch } from './watch-parts.ts';

/** In milliseconds: the pause after each look, so that ten thousand events at once cause only a few looks. */
const BREATH = 200;

/**
 * Watches one engine until the signal of the context is aborted.
 *
 * @throws the reason of the signal.
 */
export async function watchEngine(watch: Watch, id: EngineId): Promise<never> {
  const woken = wakeups();
  const look =
    watch.onForce === 'heal' ? lookToPutBack(watch, id, woken) : respectfulLook(watch, id);
  const end = new AbortController();
  const signal = AbortSignal.any([watch.context.signal, end.signal]);
  const context = { ...watch.context, signal };
  try {
    return await Promise.race([
      follow(context, id, woken),
      lookWhenWoken(context, id, woken, look),
    ]);
  } finally {
    // If one of the two fails, the other must end too.
    end.abort();
  }
}

async function lookWhenWoken(
  context: Context,
  id: EngineId,
  woken: Wakeups,
  look: Look,
): Promise<never> {
  const { signal } = context;
  let failures = 0;
  for (;;) {
    const why = await woken.next(signal);
    try {
      await look(why);
      failures = 0;
      await pause(BREATH, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BerthError)) throw error;
      // An engine may fail once because something is just being removed.
      if (failures > 0) sayUnseen(context, error);
      if (error.code === 'torn-image') await repaired(context, id);
      woken.wake(why);
      await pause(pauseAfter(++failures, UNHEARD), signal);
    }
  }
}

function sayUnseen({ report }: Context, { message }: BerthError): void {
  report({ event: 'warning', code: 'engine-unheard', message });
}

/** Removes images that a killed writer left half-written: with such an image an engine may list none at all. */
async function repaired(context: Context, id: EngineId): Promise<void> {
  const looked = { exactly: new Set([id]) };
  try {
    await changing(context, 'shared', () => recoverSituation(context, looked));
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
  }
}
