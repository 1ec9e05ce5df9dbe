import { existsSync, watch } from 'node:fs';
import type { Wake } from '../wake.ts';

/** In milliseconds: how often to look, since the file system's events don't tell of every loss. */
const LOOK_EVERY = 60_000;

/**
 * Wakes for CRI-O, which has no events about images: once a minute, and when a file changes in one of the
 * directories, which hold CRI-O's configuration and its list of images.
 */
export async function* lossesIn(
  directories: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Wake> {
  let woken = Promise.withResolvers<void>();
  const wake = () => woken.resolve();
  const watchers = directories.filter((path) => existsSync(path)).map((path) => watch(path, wake));
  // A directory that is removed ends its watcher. The others go on.
  for (const watcher of watchers) watcher.on('error', wake);
  const timer = setInterval(wake, LOOK_EVERY).unref();
  signal.addEventListener('abort', wake);
  if (signal.aborted) wake();
  try {
    yield 'listening';
    for (;;) {
      await woken.promise;
      if (signal.aborted) return;
      woken = Promise.withResolvers();
      yield 'lost';
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', wake);
    for (const watcher of watchers) watcher.close();
  }
}
