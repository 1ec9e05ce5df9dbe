import { onceFor } from '../../common/once-for.ts';
import type { Blob, ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../access.ts';

/**
 * The images that were permitted by their signatures. A permission belongs to the access object with which
 * it was requested, and is forgotten with it: a later run, which reads its root again, asks again.
 */
export class Permitted {
  readonly #byAccess = new WeakMap<Access, Map<string, Map<string, Permission>>>();

  has(access: Access, name: string, digest: string): boolean {
    const images = this.#byAccess.get(access)?.get(name)?.values() ?? [];
    const isOf = ({ image, blobs }: Permission) =>
      image.digest === digest || image.manifest === digest || blobs.has(digest);
    return [...images].some(isOf);
  }

  /** The signatures of a permitted image, as files; undefined if it was not permitted. */
  signatures(access: Access, name: string, manifest: string): Signatures | undefined {
    return this.#byAccess.get(access)?.get(name)?.get(manifest)?.signatures;
  }

  add(access: Access, image: ResolvedImage, signatures: Signatures): void {
    const names = this.#byAccess.get(access) ?? new Map<string, Map<string, Permission>>();
    this.#byAccess.set(access, names);
    const images = names.get(image.name) ?? new Map<string, Permission>();
    names.set(image.name, images);
    images.set(image.manifest, { image, blobs: digestsOf(image.blobs), signatures });
  }
}

type Signatures = readonly Buffer[];

interface Permission {
  readonly image: Pick<ResolvedImage, 'digest' | 'manifest'>;
  readonly blobs: ReadonlySet<string>;
  readonly signatures: Signatures;
}

/** The digests of a list of blobs, made once for all names of a manifest, which share the list. */
const digestsOf = onceFor(
  (blobs: readonly Blob[]): ReadonlySet<string> => new Set(blobs.map(({ digest }) => digest)),
);
