import { existsSync, watch } from 'node:fs';
import { Changes } from '../changes.ts';
import { type EventNames, lossesOf } from '../http/losses.ts';
import type { Wake } from '../wake.ts';
import type { DockerApi } from './api/api.ts';
import { dockerFailures } from './api/failure.ts';

/** A prune sends an event for each thing that it removes, but with containerd's image store perhaps only its own. */
const EVENTS: EventNames = {
  all: ['delete', 'untag', 'tag', 'pull', 'load', 'import', 'destroy', 'rename', 'prune'],
  containerRemoved: 'destroy',
};

/**
 * Wakes for each event of docker that may be a loss. docker 26.1.5 with containerd's store sends none for names that a
 * prune takes from an image which a container holds, so the file of containerd's database is watched as well.
 *
 * @param database undefined if docker keeps images in its own store.
 */
export async function* dockerLosses(
  api: DockerApi,
  database: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Wake> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const changes = new Changes();
  const listening = Promise.withResolvers<void>();
  const following = follow(api, changes, listening.resolve, either);
  const endWrites = onWrites(database, () => changes.add());
  try {
    await Promise.race([listening.promise, following]);
    yield 'listening';
    for (;;) {
      await changes.next(either);
      yield 'lost';
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    endWrites();
    await following;
  }
}

/** Follows the events, which end when docker does. */
async function follow(
  api: DockerApi,
  changes: Changes,
  onListening: () => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const wake of lossesOf(api, EVENTS, {}, signal)) {
      if (wake === 'listening') onListening();
      else changes.add();
    }
    throw dockerFailures.unreachable(api.socket, 'it ended its events');
  } catch (error) {
    changes.fail(error);
  }
}

/** In milliseconds, after a first write: one look sees all that a command removes. */
const TOGETHER = 100;

/** In milliseconds, between two looks for the sake of writes: every container that starts writes, too. */
const BETWEEN = 2000;

/** @returns a function that ends this. */
function onWrites(database: string | undefined, written: () => void): () => void {
  if (database === undefined || !existsSync(database)) return () => undefined;
  let timer: NodeJS.Timeout | undefined;
  let last = -BETWEEN;
  const pass = () => {
    timer = undefined;
    last = performance.now();
    written();
  };
  const watcher = watch(database, () => {
    timer ??= setTimeout(pass, Math.max(TOGETHER, last + BETWEEN - performance.now()));
  });
  const end = () => {
    clearTimeout(timer);
    watcher.close();
  };
  watcher.on('error', end);
  return end;
}
