import { fullName, repositoryOf } from '../../image/name.ts';
import type { ShortNames } from '../../image/short-names.ts';
import type { View } from '../../root/root.ts';
import type { LayoutOwner } from '../failure.ts';
import type { Entry } from '../index-json.ts';

/** An archive of a root that was looked through: its documents, and where its blobs lie. Plain data. */
export interface Archive {
  /** Inside the root. */
  readonly path: string;
  /** The view in which the root was read. */
  readonly view: View;
  readonly images: readonly ArchivedImage[];
  /** The manifests and indexes by digest. */
  readonly documents: ReadonlyMap<string, Uint8Array>;
  /** The other blobs by digest. */
  readonly places: ReadonlyMap<string, Place>;
}

/** An image as the archive lists it: a manifest, or an index with one for each platform. */
export interface ArchivedImage {
  readonly digest: string;
  readonly mediaType: string;
  /** The full names that the image gets when it is loaded. */
  readonly names: readonly string[];
  /** The name of an OCI layout's image as its annotation has it. */
  readonly ref?: string;
}

/** Where the bytes of a blob lie. */
export interface Place {
  /** The file inside the root. */
  readonly path: string;
  /** The first byte in the file; if the file `isPacked`, in its decompressed content. */
  readonly start: number;
  /** In bytes, as stored. */
  readonly size: number;
  /** Whether the file is compressed as a whole. */
  readonly isPacked: boolean;
  /** Whether the blob is what these bytes are when they are decompressed. */
  readonly isPackedLayer: boolean;
  /** The digest of the stored bytes, if they were read already. */
  readonly sha256?: string;
  /** What the stored bytes are when they are decompressed, if that was seen already. */
  readonly content?: Content;
}

/** The size in bytes and the digest of a decompressed layer. */
export interface Content {
  readonly size: number;
  readonly sha256: string;
}

/** The names that errors use for an archive. */
export const ARCHIVE: LayoutOwner = {
  called: (path) => `${path} of the root`,
  hint: 'make the archive again, for example with `podman save` or `skopeo copy`',
};

/** The named images of an archive, as `findImage` takes them. */
export function entriesOf({ images }: Pick<Archive, 'images'>): readonly Entry[] {
  return images.flatMap(({ names, digest, mediaType }) =>
    names.map((name) => ({ name, repository: repositoryOf(name), digest, mediaType })),
  );
}

/** At most so many names of one archive count: more are taken for an attack. */
export const MAX_IMAGES = 1000;

/** In bytes, of all JSON files of an archive, which are held in memory. */
export const MAX_DOCUMENTS_BYTES = 64 * 1024 * 1024;

/** The full names among some texts. */
export function namesIn(texts: readonly string[], shortNames: ShortNames): readonly string[] {
  return texts.flatMap((text) => {
    const result = fullName(text, shortNames);
    return result.ok ? [result.name] : [];
  });
}
