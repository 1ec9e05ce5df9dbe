import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../common/errors.ts';
import { EngineError } from '../engine/errors.ts';
import { isDigest } from '../image/digest.ts';
import { storeFailure } from './failure.ts';

/** The paths in a store: those of an OCI image layout (image-spec, image-layout.md), and berth's own. */
export interface Layout {
  readonly directory: string;
  readonly index: string;
  readonly blobs: string;
  /** A directory with one file of pins for each root. */
  readonly pins: string;
  /**
   * A directory with one file of holds for each root: the images that wait until another engine has
   * unpacked them.
   */
  readonly waiting: string;
  /** Files that are being written. While nobody holds `inUse`, they are leftovers. */
  readonly temporary: string;
  /** A lock: shared by all that add to the store, exclusive for whoever sweeps it. */
  readonly inUse: string;
  /** A lock: shared by all that stage from loaded images, exclusive for whoever lets go of such images. */
  readonly loaded: string;
  /** A lock, held while index.json or a file of pins is read, changed and written. */
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

/** @throws {EngineError} `engine-reply` for a digest that is not sha256, which can't become a path. */
export function blobPath(layout: Layout, digest: string): string {
  if (!isDigest(digest)) {
    throw new EngineError('engine-reply', `expected a sha256 digest, found ${quote(digest)}`, {
      hint: 'the store holds images with sha256 digests only',
    });
  }
  return join(layout.blobs, digest.slice('sha256:'.length));
}

/** The names in a directory; none if it does not exist. */
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
