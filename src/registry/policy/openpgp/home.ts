import { lstat, mkdtemp, opendir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../../common/errors.ts';

const PREFIX = 'berth-gpg-';

/** In milliseconds: older homes are those of processes that were killed. A home is in use for minutes at most. */
const LEFT_BEHIND = 3_600_000;

/** The most entries of the directory that are looked at: anybody may fill it. */
const MOST_ENTRIES = 10_000;

/** Works with a directory that is made for gpg and removed afterwards. */
export async function withHome<T>(work: (home: string) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), PREFIX));
  try {
    await removeLeftBehind(home);
    return await work(home);
  } finally {
    await rm(home, { recursive: true, force: true });
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
