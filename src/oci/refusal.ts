/** The reason to refuse a manifest, an index or an index.json. */
export type RefusalCode =
  /** The text is not JSON, or an object has a key twice. */
  | 'not-json'
  /** A field is missing, or does not fit the specification. */
  | 'bad-field'
  /** Docker's schema 1, which no engine accepts any more. */
  | 'schema-1'
  /** The document's own media type differs from the one that its source gives. */
  | 'media-type'
  /** The document has the fields of both an index and a manifest, or of neither. */
  | 'ambiguous'
  /** One digest occurs with two sizes. */
  | 'two-sizes'
  /** A manifest, or all documents together, have more layers than berth holds. */
  | 'too-many-layers'
  /** The JSON has so many lists, objects and other values that it would take too long and too much memory. */
  | 'too-many-values'
  /** An index has more entries than berth holds. */
  | 'too-many-entries';

/** A refused document. The caller turns this into an error that names the place. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  /** The text that follows "expected a manifest, found". */
  readonly found: string;
}

export function refusal(code: RefusalCode, found: string): Refusal {
  return { kind: 'refused', code, found };
}
