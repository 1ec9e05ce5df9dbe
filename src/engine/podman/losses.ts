import { type EventNames, lossesOf } from '../http/losses.ts';
import type { Wake } from '../wake.ts';
import type { PodmanApi } from './api/api.ts';

/** No event names a pod: its containers have events of their own, and a pod without any pins nothing. */
const EVENTS: EventNames = {
  all: ['remove', 'untag', 'tag', 'pull', 'load', 'loadfromarchive', 'import', 'rename'],
  containerRemoved: 'remove',
};

/** Wakes for each event of podman that may be a loss. */
export function podmanLosses(api: PodmanApi, signal: AbortSignal): AsyncGenerator<Wake> {
  return lossesOf(api, EVENTS, { stream: 'true' }, signal);
}
