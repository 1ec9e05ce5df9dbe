import type { Blob, ResolvedImage } from '../../../image/resolved.ts';
import { type ImageBytes } from '../../depot.ts';
import { EngineError } from '../../errors.ts';
import { type ArchiveExtras, archiveOf } from '../../fetch/oci-archive.ts';
import { type FetchWatch } from '../../fetch-watch.ts';
import type { PodmanApi } from '../api/api.ts';
import { refused } from '../api/failure.ts';

/**
 * Has podman load an image that is on this machine, so that podman knows it by its digest. podman judges it
 * by what policy.json says of `oci-archive`.
 *
 * @param blobs the blobs that podman needs; it reuses layers that it has, by the digests of their blobs.
 */
export async function loadImage(
  api: PodmanApi,
  image: ResolvedImage,
  blobs: readonly Blob[],
  from: ImageBytes,
  { signal, onBytes }: FetchWatch,
  extras: ArchiveExtras = {},
): Promise<void> {
  const total = blobs.reduce((sum, blob) => sum + blob.size, 0);
  let sent = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of archiveOf(image, blobs, from, extras)) {
      yield chunk;
      sent += chunk.length;
      // The tar headers are no part of the image.
      onBytes?.(Math.min(sent, total));
    }
  };
  const call = { method: 'POST', path: '/images/load' } as const;
  const reply = await api.upload({
    ...call,
    ...(signal === undefined ? {} : { signal }),
    content: counted(),
  });
  if (reply.status === 200) return;
  const given = new Set(blobs.map(({ digest }) => digest));
  const absent = image.blobs.filter(({ digest }) => !given.has(digest)).length;
  throw absent === 0 ? refused(call, reply) : lacking(image, absent, refused(call, reply));
}

function lacking({ name }: ResolvedImage, blobs: number, cause: EngineError): EngineError {
  const message = `${name} was not loaded: ${blobs} of its blobs are not at hand, and podman does not have what they hold: ${cause.message}`;
  return new EngineError('no-such-image', message, {
    hint: 'load the bundle again, a whole one, or stage where a registry can be reached',
    cause,
  });
}
