import { type Claims, type Document, parseDocument } from './document.ts';
import { type Refusal, refusal } from './refusal.ts';

/**
 * The most layers of all manifests, and entries of all indexes, that are held at once. Each takes some 200
 * bytes; five thousand images have 50,000.
 */
const MOST_PARTS = 300_000;

/** Parses each manifest and index once, however many names mean it, and keeps all but the annotations of layers. */
export class ParsedDocuments {
  readonly #known = new Map<string, Document>();
  #parts = 0;

  /**
   * A document by its digest.
   *
   * @param content called only for a document that is not known. The caller has checked its digest.
   */
  of(digest: string, content: () => Buffer, claims: Claims = {}): Document | Refusal {
    const key = JSON.stringify([digest, claims.mediaType, claims.listedAs]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const parsed = parseDocument(content(), claims);
    if (parsed.kind === 'refused') return parsed;
    this.#parts += parsed.kind === 'index' ? parsed.entries.length : parsed.layers.length;
    if (this.#parts > MOST_PARTS) {
      return refusal('too-many-layers', `more than ${MOST_PARTS} layers in all images together`);
    }
    const kept = withoutNotes(parsed);
    this.#known.set(key, kept);
    return kept;
  }
}

/** Annotations of layers, which nobody asks for later, may make up all of a manifest's four megabytes. */
function withoutNotes(document: Document): Document {
  if (document.kind === 'index') return document;
  const layers = document.layers.map((layer) => ({ ...layer, annotations: NO_NOTES }));
  return { ...document, layers };
}

const NO_NOTES = {};
