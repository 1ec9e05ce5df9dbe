import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { isDigest, sha256 } from '../image/digest.ts';
import { choosePlatform, formatPlatform, type Platform } from '../image/platform.ts';
import { REF_NAME } from '../oci/annotations.ts';
import { imageFailure, noImage } from './failure.ts';
import type { ImageSource } from './image-source.ts';
import { verified } from './layer-bytes.ts';

const maxDocument = 4 * 1024 * 1024;
const maxIndex = 64 * 1024 * 1024;
const maxNesting = 4;

const word = v.pipe(v.string(), v.maxLength(255));
const BlobSchema = v.object({
  mediaType: word,
  digest: v.pipe(v.string(), v.check(isDigest, 'expected sha256: and 64 hexadecimal digits')),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
const EntrySchema = v.object({
  ...BlobSchema.entries,
  platform: v.optional(v.object({ os: word, architecture: word, variant: v.optional(word) })),
  annotations: v.optional(v.record(v.string(), v.string())),
});
const IndexSchema = v.object({ schemaVersion: v.literal(2), manifests: v.array(EntrySchema) });
const ManifestSchema = v.object({ schemaVersion: v.literal(2), layers: v.array(BlobSchema) });
const DocumentSchema = v.union([ManifestSchema, IndexSchema]);

type Descriptor = v.InferOutput<typeof EntrySchema>;

/**
 * An image in an OCI image layout (image-spec, image-layout.md).
 *
 * @param name as index.json annotates it; with none given, the one image that there is.
 * @param spec how the location calls it, given the real path of the directory.
 */
export async function imageOfLayout(
  given: string,
  name: string | undefined,
  platform: Platform,
  spec: (directory: string) => string,
): Promise<ImageSource> {
  const directory = await realDirectory(given);
  const named = await entriesNamed(directory, name);
  const { digest, layers } = await manifestOf(directory, named, platform, 0);
  return {
    location: `image:${spec(directory).replace(/@sha256:[0-9a-f]{64}$/, '')}@${digest}`,
    layers,
    read: (blob) => verified(blob, fileBytes(pathOf(directory, blob.digest))),
  };
}

async function* fileBytes(path: string): AsyncGenerator<Buffer> {
  try {
    // A FIFO in the place of a blob would keep the open waiting.
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

async function entriesNamed(directory: string, name: string | undefined): Promise<Descriptor[]> {
  const content = await bounded(join(directory, 'index.json'), maxIndex, directory);
  const { manifests } = parsed(IndexSchema, content, join(directory, 'index.json'));
  const nameOf = ({ annotations }: Descriptor) => annotations?.[REF_NAME];
  const found = manifests.filter((entry) => name === undefined || nameOf(entry) === name);
  const names = new Set(manifests.map(nameOf));
  if (found.length > 0 && (name !== undefined || names.size === 1)) return found;
  const all = [...names].slice(0, 20).map((other) => other ?? '(no name)');
  throw noImage(
    `expected ${name === undefined ? 'one image' : `an image named ${JSON.stringify(name)}`} in ${directory}, found ${all.length === 0 ? 'none' : all.join(', ')}`,
    'name an image that is there',
  );
}

async function manifestOf(
  directory: string,
  entries: readonly Descriptor[],
  platform: Platform,
  depth: number,
): Promise<{ digest: string; layers: ImageSource['layers'] }> {
  const chosen = choosePlatform(
    entries.map(({ digest, platform: of }) => ({ digest, platform: of && plain(of) })),
    platform,
  );
  if (chosen === undefined || depth > maxNesting) {
    throw noImage(
      `expected an image for ${formatPlatform(platform)} in ${directory}, found none`,
      'name an image of this platform',
      'failed',
    );
  }
  const path = pathOf(directory, chosen.digest);
  const content = await bounded(path, maxDocument, directory);
  if (sha256(content) !== chosen.digest)
    throw imageFailure(`expected ${chosen.digest} at ${path}, found other bytes`);
  const document = parsed(DocumentSchema, content, path);
  if ('layers' in document) return { digest: chosen.digest, layers: document.layers };
  return manifestOf(directory, document.manifests, platform, depth + 1);
}

function plain({ os, architecture, variant }: NonNullable<Descriptor['platform']>): Platform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
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

function parsed<T extends v.GenericSchema>(
  schema: T,
  content: Buffer,
  path: string,
): v.InferOutput<T> {
  try {
    return v.parse(schema, JSON.parse(content.toString()));
  } catch (error) {
    throw imageFailure(`expected an OCI manifest or index at ${path}, found something else`, error);
  }
}

function noLayout(directory: string, cause: unknown) {
  return noImage(
    `expected an OCI image layout at ${directory}, found none (${systemErrorCode(cause) ?? 'no index.json'})`,
    'give the directory that has oci-layout and index.json',
  );
}
