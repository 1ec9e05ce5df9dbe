import type { Platform } from '../image/platform.ts';
import type { Blob } from '../image/resolved.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import type { ImageSource } from './image-source.ts';

/**
 * An image in a registry, as the running system's policy.json and auth files let it be read.
 *
 * @throws {RegistryError}
 */
export async function imageOfRegistry(
  registry: Registry,
  name: string,
  platform: Platform,
  signal?: AbortSignal,
): Promise<ImageSource> {
  const image = await registry.resolve(name, platform, {}, signal);
  await registry.permit(image, {}, signal === undefined ? {} : { signal });
  return {
    location: `image:${name.split('@')[0]}@${image.manifest}`,
    layers: image.blobs.slice(1),
    read: (blob) => downloaded(registry, name, blob, {}, signal),
  };
}

/** A download as a stream: each chunk waits until the one before it was taken. */
export async function* downloaded(
  registry: Registry,
  name: string,
  blob: Blob,
  access: Access,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const given = new AbortController();
  const ends = signal === undefined ? given.signal : AbortSignal.any([given.signal, signal]);
  let arrived = Promise.withResolvers<Buffer>();
  let taken = Promise.withResolvers<void>();
  const into = {
    write: (chunk: Buffer) => {
      arrived.resolve(chunk);
      return taken.promise;
    },
  };
  const download = registry.download(name, blob, access, into, { signal: ends });
  const ended = download.then(() => undefined);
  try {
    for (;;) {
      // It may fail while its last chunk is still at work here.
      const chunk = await Promise.race([arrived.promise, ended]);
      if (chunk === undefined) return;
      yield chunk;
      arrived = Promise.withResolvers();
      const before = taken;
      taken = Promise.withResolvers();
      before.resolve();
    }
  } finally {
    given.abort();
    taken.resolve();
    await ended.catch(() => undefined);
  }
}
