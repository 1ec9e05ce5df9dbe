import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { systemErrorCode } from '../../common/errors.ts';
import { makeDirectory } from '../../common/files/make-directory.ts';

/** The watching of a directory. */
export interface Watching {
  /** Watches the directory that is there now, in case no event told of its replacement. */
  readonly renew: () => void;
  readonly end: () => void;
}

/**
 * Calls back when a file in a directory changes, and when the directory itself, or the one above, is removed and made
 * again. If the system can't watch one more directory, the caller's own looks have to do.
 */
export function whenChanged(directory: string, changed: () => void): Watching {
  let watchers: readonly (FSWatcher | undefined)[] = [];
  const end = () => {
    for (const watcher of watchers) watcher?.close();
  };
  const renew = () => {
    end();
    const above = [dirname(directory), directory].map((path) =>
      watched(dirname(path), (name) => {
        if (name !== basename(path)) return;
        // A watcher stays with the directory that was removed.
        renew();
        changed();
      }),
    );
    watchers = [...above, watched(directory, changed)];
  };
  unlessRefused(() => makeDirectory(directory));
  renew();
  return { renew, end };
}

function watched(directory: string, changed: (name: string | null) => void): FSWatcher | undefined {
  return unlessRefused(() => {
    const watcher = watch(directory, (_, name) => changed(name));
    return watcher.on('error', () => watcher.close());
  });
}

/** @returns undefined if the system refuses a call, of a directory that is not there for instance. */
function unlessRefused<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
