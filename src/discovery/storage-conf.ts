import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Etc, followed } from '../systemd/etc.ts';
import type { Problem } from './problem.ts';

/** The settings of a root's storage.conf: where the root's podman keeps its images. */
export interface StorageSettings {
  /** The storage.conf that was read; absent if the root has none. */
  readonly path?: string;
  readonly graphRoot?: string;
  readonly driver?: string;
  /** The read-only stores that every podman of the root searches. */
  readonly additionalStores: readonly string[];
  readonly problem?: Problem;
}

/**
 * Reads the root's storage.conf: the one in `/etc` or, if there is none, the distribution's. The
 * two files are never merged.
 *
 * Source: containers-storage.conf(5).
 */
export async function readStorageConf(root: Root, etc: Etc): Promise<StorageSettings> {
  const places = [`${etc}/containers/storage.conf`, '/usr/share/containers/storage.conf'];
  for (const path of places) {
    let text: string | undefined;
    try {
      text = root.readFile(followed(root, etc, path))?.content.toString('utf8');
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      return { path, additionalStores: [], problem: problemOf(error) };
    }
    if (text === undefined) continue;
    const { parse, TomlError } = await import('smol-toml');
    try {
      const { storage } = tableOf(parse(text));
      const { graphroot, driver, options } = tableOf(storage);
      const { additionalimagestores: stores } = tableOf(options);
      return {
        path,
        ...(typeof graphroot === 'string' && graphroot !== '' ? { graphRoot: graphroot } : {}),
        ...(typeof driver === 'string' && driver !== '' ? { driver } : {}),
        additionalStores: Array.isArray(stores) ? stores.filter((s) => typeof s === 'string') : [],
      };
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const [message = 'not valid TOML'] = error.message.split('\n');
      const problem: Problem = {
        code: 'storage-conf',
        path,
        ...(error.line === undefined ? {} : { line: error.line }),
        message: `expected TOML, found an error: ${message}`,
        hint: 'correct the file: podman does not start with it as it is',
      };
      return { path, additionalStores: [], problem };
    }
  }
  return { additionalStores: [] };
}

function tableOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}
