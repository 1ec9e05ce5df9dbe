import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { engineParts } from '../common/engine-id.ts';
import { isLiving, type RootRecord, wantedImages } from './record.ts';
import { stateError, writeStateFile } from './state-file.ts';

/**
 * The file that exists as long as a living root has images in the podman of some user. Without it, a boot
 * does not have to wait for any user's podman: it is a condition of berth-activate-users.service.
 */
const MARK = 'activate-users';

/**
 * Makes or removes the mark after a record was written.
 *
 * @param record the record; undefined if it was removed.
 * @param all reads all records, which is needed only to find out whether the mark may go.
 * @throws {BerthError} `state-directory`
 */
export function markUsers(
  directory: string,
  record: RootRecord | undefined,
  all: () => Iterable<RootRecord>,
): void {
  const path = join(directory, MARK);
  const isMarked = existsSync(path);
  if (record !== undefined && hasUsers(record)) {
    if (!isMarked) writeStateFile(path, '');
    return;
  }
  if (!isMarked || [...all()].some(hasUsers)) return;
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw stateError(path, error);
  }
}

function hasUsers(record: RootRecord): boolean {
  if (!isLiving(record)) return false;
  const engines = [
    ...wantedImages(record).map(({ engine }) => engine),
    ...(record.staged?.leftOut ?? []),
  ];
  return engines.some((engine) => engineParts(engine).user !== undefined);
}
