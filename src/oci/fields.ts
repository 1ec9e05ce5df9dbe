import { type Refusal, refusal } from './refusal.ts';

/** By name in one case, as it is spelt. */
type Names = ReadonlyMap<string, string>;

const DOCUMENT = namesOf(
  'schemaVersion mediaType artifactType manifests config layers subject annotations fsLayers history',
);
const DESCRIPTOR = namesOf('mediaType artifactType digest size urls annotations data platform');
const PLATFORM = namesOf('os architecture variant os.version os.features features');
const ANY: Names = new Map();

/** The fields of a document that was parsed as JSON. */
export interface Fields {
  readonly kind: 'fields';
  readonly fields: unknown;
}

/**
 * Reads a document as the decoder of Go does, with which registries and engines are written
 * (encoding/json, `Unmarshal`): a field that is null counts as left out.
 *
 * The decoder also takes `Layers` for `layers`. A field in such a spelling is refused, because
 * readers in other languages pass over it.
 */
export function documentFields(value: unknown): Fields | Refusal {
  const misspelt: string[] = [];
  const reader =
    (names: Names, inner: Inner = {}) =>
    (of: unknown) =>
      fieldsOf(of, names, inner, misspelt);
  const annotations = reader(ANY);
  const descriptor = reader(DESCRIPTOR, { annotations, platform: reader(PLATFORM) });
  const descriptors = (of: unknown) => (Array.isArray(of) ? of.map(descriptor) : of);
  const document = reader(DOCUMENT, {
    config: descriptor,
    layers: descriptors,
    manifests: descriptors,
  });
  const fields = document(value);
  const [first] = misspelt;
  if (first === undefined) return { kind: 'fields', fields };
  return refusal('bad-field', `the field ${first}`);
}

type Inner = Readonly<Record<string, (value: unknown) => unknown>>;

function fieldsOf(value: unknown, names: Names, inner: Inner, misspelt: string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value)) {
    const known = names.get(folded(name)) ?? name;
    if (known !== name) misspelt.push(`${JSON.stringify(name)}, which some take for "${known}"`);
    const read = Object.hasOwn(inner, name) ? inner[name] : undefined;
    if (field !== null) entries.push([name, read === undefined ? field : read(field)]);
  }
  return Object.fromEntries(entries);
}

function namesOf(words: string): Names {
  return new Map(words.split(' ').map((name) => [folded(name), name]));
}

/** Simple case folding as Go does it, for which U+017F is an s and U+212A a k. */
function folded(name: string): string {
  return name.toLowerCase().toUpperCase();
}
