import { is, looseObject, nullish, optional, string } from 'valibot';
import { isPinName } from '../pins/pin-name.ts';
import type { Wake } from '../wake.ts';
import type { HttpApi } from './api.ts';

/** How an engine names its events. */
export interface EventNames {
  /**
   * The events after which an image, a name or a pin may be gone, or a name may mean another image. They are
   * asked for of images and containers.
   */
  readonly all: readonly string[];
  /** The event of a container that was removed. */
  readonly containerRemoved: string;
}

/** A line of the reply to `GET /events`, of podman and docker. */
const eventLine = looseObject({
  /** `image`, `container`. */
  Type: string(),
  Action: string(),
  Actor: looseObject({ Attributes: nullish(looseObject({ name: optional(string()) })) }),
});

/** Wakes for each event that may be a loss. The engine's first reply says that it listens. */
export async function* lossesOf(
  api: HttpApi,
  { all, containerRemoved }: EventNames,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): AsyncGenerator<Wake> {
  const filters = JSON.stringify({ type: ['image', 'container'], event: all });
  const asked = { ...query, filters };
  const call = { method: 'GET', path: '/events', query: asked, signal, isEndless: true } as const;
  let isListening = false;
  for await (const line of api.lines(call)) {
    if (!isListening) yield 'listening';
    else if (line.trim() !== '' && isLoss(line, containerRemoved)) yield 'lost';
    isListening = true;
  }
}

/**
 * Whether an event matters. Hosts remove containers all the time, and only those of pins matter. An event that
 * can't be read may mean anything.
 */
function isLoss(line: string, containerRemoved: string): boolean {
  const event = read(line);
  if (event?.Type !== 'container' || event.Action !== containerRemoved) return true;
  return isPinName(event.Actor.Attributes?.name ?? '');
}

function read(line: string) {
  try {
    const value: unknown = JSON.parse(line);
    return is(eventLine, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
