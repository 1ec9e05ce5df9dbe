import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BerthError, systemErrorCode } from './errors.ts';

/** The space of a file system, as far as the user of this process may use it. */
export interface FileSystem {
  /** The device number: equal for directories of the same file system. */
  readonly device: number;
  /** In bytes. */
  readonly total: number;
  readonly free: number;
  /** The number of files that can still be created; absent if the file system has no such limit. */
  readonly freeFiles?: number;
}

type FileSystemErrorCode = 'state-directory';

/**
 * The file system of a directory that may not exist yet.
 *
 * @throws {BerthError} `state-directory`
 */
export async function fileSystemOf(directory: string): Promise<FileSystem> {
  for (let path = directory; ; path = dirname(path)) {
    try {
      const { bavail, blocks, bsize, files, ffree } = await statfs(path);
      const { dev } = await stat(path);
      const space = { device: dev, total: blocks * bsize, free: bavail * bsize };
      return files === 0 ? space : { ...space, freeFiles: ffree };
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT' && path !== '/') continue;
      throw new BerthError<FileSystemErrorCode>(
        'state-directory',
        `can't tell the free space of ${path}`,
        {
          hint: 'see that the directory can be read',
          cause: error,
        },
      );
    }
  }
}
