import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BerthError, systemErrorCode } from './errors.ts';

/** What a file system has, for whoever runs berth. */
export interface FileSystem {
  /** The same for two directories of one file system. */
  readonly device: number;
  /** In bytes. */
  readonly total: number;
  readonly free: number;
  /** How many files can still be made; absent where they are made as they are needed. */
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
