import { closeSync } from 'node:fs';
import type { Platform } from '../image/platform.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import { openRoot } from '../root/open-root.ts';
import { type Root, RootError } from '../root/root.ts';
import { damaged, type LayoutOwner, reading, SHIPPED } from './failure.ts';
import { findImage } from './find-image.ts';
import { type Entry, MAX_BROUGHT_INDEX_BYTES, namedEntries, parseIndexJson } from './index-json.ts';
import { LayoutBlobs } from './layout-blobs.ts';
import type { Manifest } from './manifest.ts';

/** The directory in which an OS ships images: an OCI image layout, whose index.json has their full names. */
export const SHIPPED_STORE = '/usr/lib/berth/store';

/**
 * Images in an OCI layout on this machine. The layout is as hostile as the root that ships it, so
 * everything that is read is hashed.
 */
export interface ShippedImages {
  /**
   * Finds the image of a full name.
   *
   * @returns undefined if the layout does not have it for the platform.
   * @throws {LayoutError}
   */
  find(name: string, platform: Platform): ResolvedImage | undefined;

  /** Whether the layout should have this blob; true for every blob unless some may be left out. */
  has(digest: string): boolean;

  /**
   * A manifest or index of an image that `find` has found.
   *
   * @throws {LayoutError}
   */
  manifest(digest: string): Manifest;

  /**
   * The signatures that came with a manifest, as files; nothing in them can be trusted.
   *
   * @throws {LayoutError}
   */
  signatures(manifest: string): readonly Buffer[];

  /**
   * The bytes of a blob, followed by an error if they don't match its digest.
   *
   * @throws {LayoutError}
   */
  read(blob: Blob): AsyncIterable<Buffer>;
}

/**
 * Opens the images that a root ships. Damage is reported when an image is looked up.
 *
 * @returns undefined if the root ships none, or if it can't give their bytes, like a root that is itself an
 *   image.
 */
export function openShipped(root: Root): ShippedImages | undefined {
  if (!hasIndex(root)) return undefined;
  const blobs = new LayoutBlobs(root, { ...SHIPPED, directory: SHIPPED_STORE, partial: false });
  return imagesOf(blobs, () => shippedEntries(root));
}

/**
 * Opens a layout in a directory of its own, in which blobs may be left out.
 *
 * @returns a function that opens the images of some entries; the entries are read when an image is looked
 *   up.
 */
export function openLayoutAt(directory: string, owner: LayoutOwner): OpenLayout {
  const root = openRoot(directory, 'any');
  const blobs = new LayoutBlobs(root, { ...owner, directory: '', partial: true });
  return { images: (entries) => imagesOf(blobs, entries), close: () => root.close() };
}

export interface OpenLayout {
  images(entries: () => readonly Entry[]): ShippedImages;
  close(): void;
}

function imagesOf(blobs: LayoutBlobs, entries: () => readonly Entry[]): ShippedImages {
  let known: readonly Entry[] | undefined;
  return {
    find: (name, platform) => findImage(blobs, (known ??= entries()), name, platform),
    has: (digest) => blobs.has(digest),
    manifest: (digest) => blobs.manifest(digest),
    signatures: (manifest) => blobs.signatures(manifest),
    read: (blob) => blobs.read(blob),
  };
}

const INDEX = `${SHIPPED_STORE}/index.json`;

function hasIndex(root: Root): boolean {
  try {
    const file = root.openFile(INDEX);
    if (file !== undefined) closeSync(file.fd);
    return file !== undefined;
  } catch (error) {
    if (error instanceof RootError) return true;
    throw error;
  }
}

function shippedEntries(root: Root): readonly Entry[] {
  const file = reading(SHIPPED, INDEX, () => root.readFile(INDEX, MAX_BROUGHT_INDEX_BYTES));
  const parsed = parseIndexJson(file?.content ?? Buffer.alloc(0));
  const entries = parsed.kind === 'refused' ? parsed : namedEntries(parsed.index);
  if (!('kind' in entries)) return entries;
  throw damaged(SHIPPED, INDEX, 'an OCI image index', entries.found);
}
