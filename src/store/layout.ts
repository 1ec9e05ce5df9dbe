import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../common/errors.ts';
import { EngineError } from '../engine/errors.ts';
import { isDigest } from '../image/digest.ts';
import { storeFailure } from './failure.ts';

/** The places in a store: an OCI image layout (image-spec, image-layout.md), and what is berth's. */
export interface Layout {
  readonly directory: string;
  readonly index: string;
  readonly blobs: string;
  /** A file a root. */
  readonly pins: string;
  /** A file a root: what waits here until another engine has unpacked it. */
  readonly waiting: string;
  /** Files that are being written; those that lie here while nobody holds `inUse` are left over. */
  readonly temporary: string;
  /** Shared by all that add to the store, exclusive for what sweeps it. */
  readonly inUse: string;
  /** Shared by all that stage from what was loaded, exclusive for what lets go of that. */
  readonly loaded: string;
  /** Held while index.json or a file of pins is read, changed and written. */
  readonly writing: string;
}

export function layoutAt(directory: string): Layout {
  return {
    directory,
    index: join(directory, 'index.json'),
    blobs: join(directory, 'blobs', 'sha256'),
    pins: join(directory, 'pins'),
    waiting: join(directory, 'waiting'),
    temporary: join(directory, 'tmp'),
    inUse: join(directory, 'locks', 'in-use'),
    loaded: join(directory, 'locks', 'loaded'),
    writing: join(directory, 'locks', 'writing'),
  };
}

/** @throws {EngineError} `engine-reply` for a digest that is not sha256, and so can't be a path. */
export function blobPath(layout: Layout, digest: string): string {
  if (!isDigest(digest)) {
    throw new EngineError('engine-reply', `expected a sha256 digest, found ${quote(digest)}`, {
      hint: 'the store holds images with sha256 digests only',
    });
  }
  return join(layout.blobs, digest.slice('sha256:'.length));
}

/** The names in a directory; none if it is not there. */
export function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw storeFailure(directory, error);
  }
}

export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
