import type { Blob } from '../../image/resolved.ts';

/**
 * Makes pulls that share a blob wait until one of them has brought it: podman downloads a blob twice if two
 * pulls need it at once (seen with 4.3.1).
 */
export class OneAtATime {
  /** The blobs that arrived while pulls were under way. */
  readonly #here = new Set<string>();
  readonly #underWay = new Map<string, Promise<unknown>>();

  async run<T>(blobs: readonly Blob[], work: () => Promise<T>): Promise<T> {
    for (;;) {
      const other = blobs
        .filter(({ digest }) => !this.#here.has(digest))
        .map(({ digest }) => this.#underWay.get(digest))
        .find((pull) => pull !== undefined);
      if (other === undefined) break;
      // The other pull reports its own failure; this one tries the blob again.
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
      // Blobs may have been removed by the time of the next pulls.
      if (this.#underWay.size === 0) this.#here.clear();
    }
  }
}
