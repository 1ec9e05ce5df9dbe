import type { Blob } from '../image/resolved.ts';
import type { Access } from './access.ts';
import type { Registry } from './registry.ts';

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
  let arrived = Promise.withResolvers<Buffer | undefined>();
  let taken = Promise.withResolvers<void>();
  const into = {
    write: (chunk: Buffer) => {
      arrived.resolve(chunk);
      return taken.promise;
    },
  };
  // Not a race with the end of the whole: what has been raced with is held until then.
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
      // It may fail while its last chunk is still at work here.
      end?.();
      const before = taken;
      taken = Promise.withResolvers();
      before.resolve();
    }
  } finally {
    // Nobody waits for what it says of this.
    arrived.promise.catch(() => undefined);
    given.abort();
    taken.resolve();
    await ended;
  }
}
