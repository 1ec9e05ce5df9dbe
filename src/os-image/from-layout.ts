import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { isDigest, sha256 } from '../image/digest.ts';
import { choosePlatform, formatPlatform, type Platform } from '../image/platform.ts';
import type { Blob } from '../image/resolved.ts';
import { REF_NAME } from '../oci/annotations.ts';
import type { LooseDescriptor } from '../oci/descriptor.ts';
import {
  type Claims,
  entryOf,
  type IndexEntry,
  MAX_DOCUMENT_BYTES,
  parseDocument,
} from '../oci/document.ts';
import { MAX_INDEX_BYTES, parseIndexJson } from '../oci/index-json.ts';
import { imageFailure, noImage, type OsImageError } from './failure.ts';
import type { ImageSource } from './image-source.ts';
import { verified } from './layer-bytes.ts';

/** An index may list an index, and that another, down to the manifest. */
const MAX_NESTING = 4;

/**
 * An image in an OCI image layout (image-spec, image-layout.md).
 *
 * @param name the image's annotation in index.json; if undefined, the layout must have one image.
 * @param spec makes the location of the image, without its digest, from the directory's real path.
 * @throws {OsImageError}
 */
export async function imageOfLayout(
  given: string,
  name: string | undefined,
  platform: Platform,
  spec: (directory: string) => string,
): Promise<ImageSource> {
  const directory = await realDirectory(given);
  const named = await entriesNamed(directory, name);
  const { digest, layers } = await manifestOf(directory, named, platform);
  return {
    location: `image:${spec(directory).replace(/@sha256:[0-9a-f]{64}$/, '')}@${digest}`,
    layers,
    read: (blob) => verified(blob, fileBytes(pathOf(directory, blob.digest))),
  };
}

async function* fileBytes(path: string): AsyncGenerator<Buffer> {
  try {
    // Opening a FIFO in place of a blob would wait for ever.
    if (!(await stat(path)).isFile()) throw imageFailure(`expected a regular file at ${path}`);
    yield* createReadStream(path, { highWaterMark: 256 * 1024 });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined || error instanceof BerthError) throw error;
    throw imageFailure(`expected a blob at ${path}, found ${code}`, error);
  }
}

async function realDirectory(given: string): Promise<string> {
  try {
    return await realpath(given);
  } catch (error) {
    throw noLayout(given, error);
  }
}

async function entriesNamed(
  directory: string,
  name: string | undefined,
): Promise<readonly IndexEntry[]> {
  const path = join(directory, 'index.json');
  const parsed = parseIndexJson(await bounded(path, MAX_INDEX_BYTES, directory));
  if (parsed.kind === 'refused') throw notOci(path, parsed.found);
  const { manifests } = parsed.index;
  const nameOf = ({ annotations }: LooseDescriptor) => annotations?.[REF_NAME];
  const found = manifests.filter((entry) => name === undefined || nameOf(entry) === name);
  const names = new Set(manifests.map(nameOf));
  if (found.length > 0 && (name !== undefined || names.size === 1)) return found.map(entryOf);
  const all = [...names].slice(0, 20).map((other) => other ?? '(no name)');
  throw noImage(
    `expected ${name === undefined ? 'one image' : `an image named ${JSON.stringify(name)}`} in ${directory}, found ${all.length === 0 ? 'none' : all.join(', ')}`,
    'name an image that is there',
  );
}

/** The manifest for a platform, found through nested indexes. */
async function manifestOf(
  directory: string,
  named: readonly IndexEntry[],
  platform: Platform,
): Promise<{ digest: string; layers: readonly Blob[] }> {
  let entries = named;
  for (let depth = 0; depth <= MAX_NESTING; depth++) {
    const chosen = choosePlatform(entries, platform);
    if (chosen === undefined) break;
    const { digest, mediaType } = chosen;
    const claims = depth === 0 ? { mediaType } : { listedAs: mediaType };
    const document = await documentAt(directory, digest, claims);
    if (document.kind === 'manifest') return { digest, layers: document.layers };
    entries = document.listed;
  }
  throw noImage(
    `expected an image for ${formatPlatform(platform)} in ${directory}, found none`,
    'name an image of this platform',
    'failed',
  );
}

async function documentAt(directory: string, digest: string, claims: Claims) {
  const path = join(directory, 'index.json');
  if (!isDigest(digest)) throw notOci(path, `a digest that is not sha256, ${digest}`);
  const content = await bounded(pathOf(directory, digest), MAX_DOCUMENT_BYTES, directory);
  if (sha256(content) !== digest) {
    throw imageFailure(`expected ${digest} at ${pathOf(directory, digest)}, found other bytes`);
  }
  const document = parseDocument(content, claims);
  if (document.kind === 'refused') throw notOci(pathOf(directory, digest), document.found);
  return document;
}

function pathOf(directory: string, digest: string): string {
  return join(directory, 'blobs', digest.replaceAll(':', '/'));
}

async function bounded(path: string, limit: number, directory: string): Promise<Buffer> {
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > limit)
      throw imageFailure(`expected a file of at most ${limit} bytes at ${path}`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof BerthError || systemErrorCode(error) === undefined) throw error;
    if (path.endsWith('index.json')) throw noLayout(directory, error);
    throw imageFailure(`expected a blob at ${path}, found ${systemErrorCode(error)}`, error);
  }
}

function notOci(path: string, found: string): OsImageError {
  return imageFailure(`expected an OCI manifest or index at ${path}, found ${found}`);
}

function noLayout(directory: string, cause: unknown): OsImageError {
  return noImage(
    `expected an OCI image layout at ${directory}, found none (${systemErrorCode(cause) ?? 'no index.json'})`,
    'give the directory that has oci-layout and index.json',
  );
}
