import { type Refusal, refusal } from './refusal.ts';

/** The names of fields, by their spelling and by their folded spelling. */
type Names = ReadonlyMap<string, string>;

const DOCUMENT = namesOf(
  'schemaVersion mediaType artifactType manifests config layers subject annotations fsLayers history',
);
const DESCRIPTOR = namesOf('mediaType artifactType digest size urls annotations data platform');
const PLATFORM = namesOf('os architecture variant os.version os.features features');
const ANY: Names = new Map();
const NONE: Inner = new Map();

/** The fields of a document that was parsed as JSON. */
export interface Fields {
  readonly kind: 'fields';
  readonly fields: unknown;
}

/**
 * Reads a document as the JSON decoder of Go does (encoding/json, `Unmarshal`), in which registries and
 * engines are written: a field that is null counts as absent, and a null in a list as an object without
 * fields.
 *
 * The decoder also accepts `Layers` for `layers`. A field in such a spelling is refused, because readers in
 * other languages ignore it.
 */
export function documentFields(value: unknown): Fields | Refusal {
  const misspelt: string[] = [];
  const reader =
    (names: Names, inner: Inner = NONE) =>
    (of: unknown) =>
      fieldsOf(of, names, inner, misspelt);
  const annotations = reader(ANY);
  const platform = reader(PLATFORM);
  const descriptor = reader(DESCRIPTOR, new Map(Object.entries({ annotations, platform })));
  const descriptors = (of: unknown) =>
    Array.isArray(of) ? of.map((one) => descriptor(one ?? {})) : of;
  const members = { config: descriptor, layers: descriptors, manifests: descriptors };
  const document = reader(DOCUMENT, new Map(Object.entries(members)));
  const fields = document(value);
  const [first] = misspelt;
  if (first === undefined) return { kind: 'fields', fields };
  return refusal('bad-field', `the field ${first}`);
}

type Inner = ReadonlyMap<string, (value: unknown) => unknown>;

function fieldsOf(value: unknown, names: Names, inner: Inner, misspelt: string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const known = names.get(name) ?? names.get(folded(name)) ?? name;
    if (known !== name)
      misspelt.push(`${JSON.stringify(name)}, which some readers take for "${known}"`);
    // An assignment to this name would set the prototype.
    if (field === null || name === '__proto__') continue;
    const read = inner.get(name);
    fields[name] = read === undefined ? field : read(field);
  }
  return fields;
}

function namesOf(words: string): Names {
  const names = words.split(' ');
  return new Map(names.flatMap((name) => [name, folded(name)].map((key) => [key, name])));
}

/** Folds case as Go does, where U+017F is an s and U+212A a k. */
function folded(name: string): string {
  return name.toLowerCase().toUpperCase();
}
