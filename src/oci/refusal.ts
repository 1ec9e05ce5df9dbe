/** Why a manifest, an index or an index.json is not taken. */
export type RefusalCode =
  /** Not JSON, or one key twice in an object. */
  | 'not-json'
  /** A field that is missing or not what the specification says. */
  | 'bad-field'
  /** Docker's schema 1, which no engine takes any more. */
  | 'schema-1'
  /** The document calls itself something else than its source calls it. */
  | 'media-type'
  /** The fields of both an index and a manifest, or of neither. */
  | 'ambiguous'
  /** A layer that the registry does not have. */
  | 'foreign-layer'
  /** One digest with two sizes. */
  | 'two-sizes';

/** A document that is not taken; the reader turns this into an error that says where it was. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  /** To go behind "expected a manifest, found". */
  readonly found: string;
}

export function refusal(code: RefusalCode, found: string): Refusal {
  return { kind: 'refused', code, found };
}
