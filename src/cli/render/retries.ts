import { counted } from '../../common/counted.ts';
import { shown } from '../../common/shown.ts';
import type { ProgressEvent } from '../../lifecycle/events.ts';
import { causeOf, OF_REPOSITORY } from './cause.ts';

type Retry = Extract<ProgressEvent, { readonly event: 'retry' }>;

/** Requests that failed for one cause, and are repeated. */
interface Gathered {
  readonly timer: NodeJS.Timeout;
  readonly retries: Map<string, { readonly message: string; readonly due: number }>;
}

/** Says which requests are repeated, without a line for each. */
export interface Retries {
  hear(retry: Retry): void;
  end(): void;
}

/** In milliseconds: how long retries are gathered at first, and after each line about the same cause. */
const AT_FIRST = 500;
const LATER = 10_000;

/**
 * A registry that fails usually fails all images, each with a retry of its own. They become one line for a registry and
 * a cause: soon after the first, and then every ten seconds.
 */
export function gatherRetries(say: (line: string) => void): Retries {
  const gathered = new Map<string, Gathered>();
  const gather = (cause: string, milliseconds: number) => {
    const timer = setTimeout(() => tell(cause), milliseconds).unref();
    const fresh: Gathered = { timer, retries: new Map() };
    gathered.set(cause, fresh);
    return fresh;
  };
  const tell = (cause: string) => {
    const retries = [...(gathered.get(cause)?.retries.values() ?? [])];
    gathered.delete(cause);
    if (retries.length === 0) return;
    say(textOf(cause, retries));
    gather(cause, LATER);
  };
  return {
    hear: ({ message, milliseconds }) => {
      const cause = causeOf(message);
      const [, , repository = ''] = OF_REPOSITORY.exec(message) ?? [];
      const { retries } = gathered.get(cause) ?? gather(cause, AT_FIRST);
      retries.set(repository, { message, due: performance.now() + milliseconds });
    },
    end: () => {
      for (const { timer } of gathered.values()) clearTimeout(timer);
    },
  };
}

/** `again in 1.2 s: MESSAGE`, or `again in 4.0 s: 20 images of registry X: CAUSE`. */
function textOf(cause: string, retries: readonly { message: string; due: number }[]): string {
  const last = retries.reduce((latest, { due }) => Math.max(latest, due), 0);
  const wait = Math.max(0, last - performance.now());
  const [first] = retries;
  const what =
    retries.length === 1 && first !== undefined
      ? first.message
      : `${counted(retries.length, 'image')} of ${cause}`;
  return `again in ${(wait / 1000).toFixed(1)} s: ${shown(what)}`;
}
