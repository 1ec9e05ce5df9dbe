import type { Blob } from '../image/resolved.ts';
import type { Access } from './access.ts';
import type { Registry } from './registry.ts';

/** A download as a stream: each chunk waits until the reader has taken the previous one. */
export async function* downloaded(
  registry: Registry,
  name: string,
  blob: Blob,
  access: Access,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const given = new AbortController();
  const ends = signal === undefined ? given.signal : AbortSignal.any([given.signal, signal]);
  let arrived = Promise.withResolvers<Buffer | undefined>();
  let taken = Promise.withResolvers<void>();
  const into = {
    write: (chunk: Buffer) => {
      arrived.resolve(chunk);
      return taken.promise;
    },
  };
  // Not a Promise.race with the end of the download, which would keep every chunk in memory until that end.
  let end: (() => void) | undefined;
  const ended = registry
    .download(name, blob, access, into, { signal: ends })
    .then(
      () => (end = () => arrived.resolve(undefined)),
      (error: unknown) => (end = () => arrived.reject(error)),
    )
    .then(() => end?.());
  try {
    for (;;) {
      const chunk = await arrived.promise;
      if (chunk === undefined) return;
      yield chunk;
      arrived = Promise.withResolvers();
      // The download may have failed while the reader was busy with its last chunk.
      end?.();
      const before = taken;
      taken = Promise.withResolvers();
      before.resolve();
    }
  } finally {
    // Nobody waits for the next chunk any more.
    arrived.promise.catch(() => undefined);
    given.abort();
    taken.resolve();
    await ended;
  }
}
