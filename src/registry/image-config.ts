import * as v from 'valibot';
import { isDigest } from '../image/digest.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { Access } from './access.ts';
import { BlobProgress } from './blob-progress.ts';
import { downloadBlob } from './download.ts';
import type { Exchange } from './exchange.ts';
import { failure } from './failure.ts';
import type { Place } from './place.ts';
import type { RegistryError } from './registry.ts';

/** As for manifests: engines take no larger config either. */
const MAX_BYTES = 4 * 1024 * 1024;

/** image-spec, config.md. */
const schema = v.object({
  rootfs: v.object({ diff_ids: v.array(v.pipe(v.string(), v.check(isDigest))) }),
});

/**
 * The digests of an image's layers as they are unpacked, from the base up, by its config.
 *
 * @throws {RegistryError}
 */
export async function fetchDiffIds(
  exchange: Exchange,
  place: Place,
  access: Access,
  { config, blobs }: ResolvedImage,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const [blob, ...layers] = blobs;
  if (blob?.digest !== config) throw new TypeError('expected the config to be the first blob');
  if (blob.size > MAX_BYTES) throw wrong(place, `${blob.size} bytes`);
  const chunks: Buffer[] = [];
  const into = { write: async (chunk: Buffer) => void chunks.push(chunk) };
  await downloadBlob(exchange, place, access, blob, { into, signal, progress: new BlobProgress() });
  return diffIdsIn(place, Buffer.concat(chunks), layers.length);
}

/**
 * What a config says of its layers, as `fetchDiffIds`.
 *
 * @throws {RegistryError} `bad-reply`
 */
export function diffIdsIn(place: Asked, content: Buffer, layers: number): readonly string[] {
  const checked = v.safeParse(schema, parse(place, content));
  if (!checked.success) throw wrong(place, 'one without rootfs.diff_ids');
  const { diff_ids: diffIds } = checked.output.rootfs;
  if (diffIds.length === layers) return diffIds;
  throw wrong(place, `${diffIds.length} diff_ids for ${layers} layers`);
}

/** Where it was asked for. */
type Asked = Pick<Place, 'registry' | 'repository' | 'reference'>;

function parse(place: Asked, content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong(place, 'something that is not JSON');
  }
}

function wrong(place: Asked, found: string): RegistryError {
  return failure('bad-reply', place, `a config of an image for ${place.reference}`, found, {
    hint: 'push the image anew with a current tool',
  });
}
