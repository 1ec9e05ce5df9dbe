import type { Access } from '../access.ts';

/**
 * The images that were permitted by their signatures. A permission belongs to the access object with which
 * it was requested, and is forgotten with it: a later run, which reads its root again, asks again.
 */
export class Permitted {
  readonly #byAccess = new WeakMap<Access, Map<string, Signatures>>();

  has(access: Access, name: string, digest: string): boolean {
    return this.signatures(access, name, digest) !== undefined;
  }

  /** The signatures of a permitted image, as files; undefined if it was not permitted. */
  signatures(access: Access, name: string, digest: string): Signatures | undefined {
    return this.#byAccess.get(access)?.get(keyOf(name, digest));
  }

  /** @param digests the digests of the image's index, manifest and blobs. */
  add(access: Access, name: string, digests: readonly string[], signatures: Signatures): void {
    const keys = this.#byAccess.get(access) ?? new Map<string, Signatures>();
    this.#byAccess.set(access, keys);
    for (const digest of digests) keys.set(keyOf(name, digest), signatures);
  }
}

type Signatures = readonly Buffer[];

function keyOf(name: string, digest: string): string {
  return `${name} ${digest}`;
}
