import { lstat, mkdtemp, opendir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../../common/errors.ts';

const PREFIX = 'berth-gpg-';

/** In milliseconds: older homes are those of processes that were killed. A home is in use for minutes at most. */
const LEFT_BEHIND = 3_600_000;

/** The most entries of the directory that are looked at: anybody may fill it. */
const MOST_ENTRIES = 10_000;

/**
 * Works with a directory that is made for gpg and removed afterwards.
 *
 * @returns what `work` returns, or a string that says why no directory can be made.
 */
export async function withHome<T>(work: (home: string) => Promise<T>): Promise<T | string> {
  const home = await madeHome();
  if (home instanceof Error) return `no directory for gpg: ${home.message}; TMPDIR may name one`;
  try {
    await removeLeftBehind(home);
    return await work(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function madeHome(): Promise<string | Error> {
  try {
    return await mkdtemp(join(tmpdir(), PREFIX));
  } catch (error) {
    if (!(error instanceof Error) || systemErrorCode(error) === undefined) throw error;
    return error;
  }
}

/** Removes the homes beside this one that killed processes of the same user have left. */
async function removeLeftBehind(home: string): Promise<void> {
  try {
    const { uid } = await lstat(home);
    let left = MOST_ENTRIES;
    for await (const { name } of await opendir(dirname(home))) {
      if (left-- === 0) return;
      const path = join(dirname(home), name);
      if (name.startsWith(PREFIX) && (await isLeftBehind(path, uid))) {
        await rm(path, { recursive: true, force: true });
      }
    }
  } catch (error) {
    // Another process may remove the same, and the directory need not be readable. The work can be done anyway.
    if (systemErrorCode(error) === undefined) throw error;
  }
}

async function isLeftBehind(path: string, uid: number): Promise<boolean> {
  const found = await lstat(path);
  const isOwn = found.isDirectory() && found.uid === uid;
  return isOwn && Date.now() - found.mtimeMs > LEFT_BEHIND;
}
