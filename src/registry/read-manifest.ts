import { type Document, parseDocument } from '../oci/document.ts';
import type { Manifest } from '../oci/manifest.ts';
import { failure } from './failure.ts';

/** The name by which a manifest was requested. */
interface Asked {
  readonly registry: string;
  readonly repository: string;
  /** The tag or digest. */
  readonly reference: string;
}

/**
 * Parses a manifest or index from a registry, whose digest is already checked.
 *
 * @param listedAs the media type under which an index lists it.
 * @throws {RegistryError} `bad-reply`
 */
export function readManifest(
  asked: Asked,
  { mediaType, content }: Manifest,
  listedAs?: string,
): Document {
  const document = parseDocument(content, { mediaType, listedAs });
  if (document.kind !== 'refused') return document;
  throw failure('bad-reply', asked, `a manifest for ${asked.reference}`, document.found, {
    hint: 'push the image again with a current tool; berth takes OCI images and Docker schema 2',
  });
}
