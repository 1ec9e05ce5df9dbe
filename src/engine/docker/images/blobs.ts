import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../../common/errors.ts';
import { isDigest } from '../../../image/digest.ts';
import { EngineError } from '../../errors.ts';
import type { StoredBlob } from '../../stored-blob.ts';
import { containerdOf, type Settings } from '../api/settings.ts';
import { blobsOf } from './ids.ts';

/**
 * Finds a blob in the files of containerd's store. docker's API gives images only as an archive of all layers, and
 * docker's own store does not keep layers as registries have them.
 */
export function blobIn({ store, root }: Settings, digest: string): StoredBlob | undefined {
  const containerd = store === 'containerd' ? containerdOf(root) : undefined;
  if (containerd === undefined || !isDigest(digest)) return undefined;
  const path = join(blobsOf(containerd), digest.replace(':', '/'));
  const file = openBlob(path);
  if (typeof file === 'string') return undefined;
  closeSync(file.fd);
  return { size: file.size, read: () => bytesOf(path) };
}

/** @throws {EngineError} `no-such-image` if the file is gone or can't be read. */
async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file = openBlob(path);
  if (typeof file === 'string') throw unreadable(path, file);
  try {
    for await (const chunk of createReadStream('', { fd: file.fd })) {
      if (Buffer.isBuffer(chunk)) yield chunk;
    }
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw unreadable(path, code, error);
  }
}

/** @returns why there is no such file. */
function openBlob(path: string): { readonly fd: number; readonly size: number } | string {
  let fd: number;
  try {
    // Opening a FIFO must not hang berth.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    return code;
  }
  const found = fstatSync(fd);
  if (found.isFile()) return { fd, size: found.size };
  closeSync(fd);
  return 'it is no regular file';
}

function unreadable(path: string, reason: string, cause?: unknown): EngineError {
  return new EngineError('no-such-image', `docker's ${path} can't be read: ${reason}`, {
    hint: 'an image was removed just now; run the same command again',
    cause,
  });
}
