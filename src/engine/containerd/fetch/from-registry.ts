import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Blob, ResolvedImage } from '../../../image/resolved.ts';
import type { Manifest } from '../../../oci/manifest.ts';
import type { Access } from '../../../registry/access.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Bytes } from './store.ts';

/** The bytes of an image in a registry, downloaded by berth itself as they are read. */
export async function fromRegistry(
  registry: Registry,
  image: ResolvedImage,
  access: Access,
  signal: AbortSignal | undefined,
): Promise<Bytes> {
  const manifest = (digest: string): Promise<Manifest> =>
    registry.manifest(image.name, digest, access, signal);
  return {
    manifest,
    read: (blob) => download(registry, image.name, blob, access, signal),
  };
}

/** Downloads a blob no faster than it is read; a reader that stops ends the download. */
async function* download(
  registry: Registry,
  name: string,
  blob: Blob,
  access: Access,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const stop = new AbortController();
  const through = new PassThrough();
  const write = async (chunk: Buffer) => {
    if (!through.write(chunk)) await once(through, 'drain', { signal: stop.signal });
  };
  const either = AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]);
  const done = registry.download(name, blob, access, { write }, { signal: either }).then(
    () => through.end(),
    (error: unknown) => through.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  try {
    for await (const chunk of through) if (chunk instanceof Buffer) yield chunk;
  } finally {
    stop.abort();
    await done;
  }
}
