import { is } from 'valibot';
import { isPinName } from '../pins/pin-name.ts';
import type { Wake } from '../wake.ts';
import type { PodmanApi } from './api/api.ts';
import { eventLine } from './api/replies.ts';

/**
 * The events after which an image, a name or a pin may be gone, or a name may mean another image. No event
 * names a pod: its containers have events of their own, and a pod without any pins nothing.
 */
const EVENTS = ['remove', 'untag', 'tag', 'pull', 'load', 'loadfromarchive', 'import', 'rename'];

/** The events of podman, from its first reply on, that may be losses. */
export async function* lossesOf(api: PodmanApi, signal: AbortSignal): AsyncGenerator<Wake> {
  const filters = JSON.stringify({ type: ['image', 'container'], event: EVENTS });
  const query = { stream: 'true', filters };
  const call = { method: 'GET', path: '/events', query, signal, isEndless: true } as const;
  let isListening = false;
  for await (const line of api.lines(call)) {
    if (!isListening) yield 'listening';
    else if (line.trim() !== '' && isLoss(line)) yield 'lost';
    isListening = true;
  }
}

/**
 * Whether an event matters. Hosts remove containers all the time, and only those of pins matter. An event that
 * can't be read may mean anything.
 */
function isLoss(line: string): boolean {
  const event = read(line);
  if (event === undefined || event.Type !== 'container' || event.Action !== 'remove') return true;
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
