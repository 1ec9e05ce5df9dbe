import type { Access } from '../access.ts';

/**
 * The images that were permitted by their signatures. A permission belongs to the access object with which
 * it was requested, and is forgotten with it: a later run, which reads its root again, asks again.
 */
export class Permitted {
  readonly #byAccess = new WeakMap<Access, Set<string>>();

  has(access: Access, name: string, digest: string): boolean {
    return this.#byAccess.get(access)?.has(keyOf(name, digest)) === true;
  }

  /** @param digests the digests of the image's index, manifest and blobs. */
  add(access: Access, name: string, digests: readonly string[]): void {
    const keys = this.#byAccess.get(access) ?? new Set();
    this.#byAccess.set(access, keys);
    for (const digest of digests) keys.add(keyOf(name, digest));
  }
}

function keyOf(name: string, digest: string): string {
  return `${name} ${digest}`;
}
