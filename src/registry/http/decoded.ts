import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { systemErrorCode } from '../../common/errors.ts';
import { lengthOf, TooLarge } from './body.ts';

/**
 * A small body without the compression that its headers name. berth asks for none, and some caches compress
 * all the same. Other programs are written in Go, whose HTTP client asks for gzip and undoes it. A body that
 * is not what its headers say is returned as it came.
 *
 * @throws {TooLarge}
 */
export function decoded(body: Buffer, headers: IncomingHttpHeaders, maxBytes: number): Buffer {
  if (!isCompressed(headers)) return body;
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new TooLarge(maxBytes, body);
    // zlib's own codes: Z_DATA_ERROR, Z_BUF_ERROR.
    if (code.startsWith('Z_')) return body;
    throw error;
  }
}

/**
 * A body of a known size without the compression that its headers name, as a stream. With that very length the
 * body is not compressed, whatever its headers say: storage of objects keeps the header of a compressed layer.
 */
export function decodedStream(response: IncomingMessage, size: number): Readable {
  if (!isCompressed(response.headers) || lengthOf(response) === size) return response;
  // The reader of the stream gets the errors of both.
  return pipeline(response, createGunzip(), () => undefined);
}

export function isCompressed(headers: IncomingHttpHeaders): boolean {
  return headers['content-encoding']?.toLowerCase() === 'gzip';
}
