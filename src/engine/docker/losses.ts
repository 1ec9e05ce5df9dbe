import { is } from 'valibot';
import { isPinName } from '../pins/pin-name.ts';
import type { Wake } from '../wake.ts';
import type { DockerApi } from './api/api.ts';
import { eventLine } from './api/replies.ts';

/**
 * The events after which an image, a name or a pin may be gone, or a name may mean another image. A prune sends
 * an event for each thing that it removes, but with containerd's image store perhaps only one for the prune.
 */
const EVENTS = ['delete', 'untag', 'tag', 'pull', 'load', 'import', 'destroy', 'rename', 'prune'];

/** Wakes for each event of docker that may be a loss. docker's first reply says that it listens. */
export async function* lossesOf(api: DockerApi, signal: AbortSignal): AsyncGenerator<Wake> {
  const filters = JSON.stringify({ type: ['image', 'container'], event: EVENTS });
  const call = {
    method: 'GET',
    path: '/events',
    query: { filters },
    signal,
    isEndless: true,
  } as const;
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
  if (event === undefined || event.Type !== 'container' || event.Action !== 'destroy') return true;
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
