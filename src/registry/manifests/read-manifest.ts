import type { Document } from '../../oci/document.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { ParsedDocuments } from '../../oci/parsed-documents.ts';
import type { Refusal } from '../../oci/refusal.ts';
import { failure } from '../failure.ts';
import { isWebPage, webPageHint } from '../http/web-page.ts';

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
 * @param documents the documents that were parsed before, with a bound on all of them.
 * @throws {RegistryError} `bad-reply`
 */
export function readManifest(
  asked: Asked,
  { digest, mediaType, content }: Manifest,
  listedAs?: string,
  documents = new ParsedDocuments(),
): Document {
  const document = documents.of(digest, () => content, { mediaType, listedAs });
  if (document.kind !== 'refused') return document;
  const isPage = isWebPage(content);
  const found = isPage ? 'a web page' : document.found;
  throw failure('bad-reply', asked, `a manifest for ${asked.reference}`, found, {
    hint: isPage ? webPageHint(asked.registry) : hintFor(document),
  });
}

function hintFor({ code }: Refusal): string {
  return code === 'too-many-layers'
    ? 'squash layers of the image, or name fewer images'
    : 'push the image again with a current tool; berth takes OCI images and Docker schema 2';
}
