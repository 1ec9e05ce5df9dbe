import type { Blob } from '../../../image/resolved.ts';

/**
 * Lets pulls that share a blob come one after the other until one of them has brought it: of two
 * at once podman downloads the blob for each (seen of 4.3.1).
 */
export class OneAtATime {
  /** The blobs that came while pulls were under way. */
  readonly #here = new Set<string>();
  readonly #underWay = new Map<string, Promise<unknown>>();

  async run<T>(blobs: readonly Blob[], work: () => Promise<T>): Promise<T> {
    for (;;) {
      const other = blobs
        .filter(({ digest }) => !this.#here.has(digest))
        .map(({ digest }) => this.#underWay.get(digest))
        .find((pull) => pull !== undefined);
      if (other === undefined) break;
      // The other pull reports its own failure; here the blob is tried again.
      await other.catch(() => undefined);
    }
    const pull = work();
    const own = blobs.filter(({ digest }) => !this.#here.has(digest));
    for (const { digest } of own) this.#underWay.set(digest, pull);
    try {
      const result = await pull;
      for (const { digest } of own) this.#here.add(digest);
      return result;
    } finally {
      for (const { digest } of own) this.#underWay.delete(digest);
      // Blobs may be removed again before the next pulls come.
      if (this.#underWay.size === 0) this.#here.clear();
    }
  }
}
