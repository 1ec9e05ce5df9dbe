import type { Document, Node, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { Fault } from '../problem.ts';

/** A value in a YAML document, with its line (1-based). Aliases share the value of their anchor. */
export type Value =
  | { readonly kind: 'map'; readonly line: number; readonly entries: ReadonlyMap<string, Value> }
  | { readonly kind: 'list'; readonly line: number; readonly items: readonly Value[] }
  | { readonly kind: 'scalar'; readonly line: number; readonly value: unknown };

/** A fault with its line in the document. */
export interface LineFault extends Fault {
  /** The line of the fault, 1-based. */
  readonly line?: number;
}

type Yaml = Pick<typeof import('yaml'), 'isAlias' | 'isMap' | 'isSeq' | 'isScalar'>;

/**
 * The most entries that `<<` may copy in one document: many merges of a large map would be
 * quadratic.
 */
const maxMerged = 10_000;

/**
 * Converts a composed document into plain values. Each node is converted once, and an alias is the
 * same object as its anchor's value, so an alias bomb takes no more memory than its text.
 *
 * Follows Go's YAML libraries, which podman and the kubelet use: duplicate keys, aliases without an
 * anchor, and aliases inside the value that they name are errors; `<<` merges maps.
 *
 * @returns the first fault, if there is one.
 */
export function toValue(
  { contents }: Pick<Document.Parsed, 'contents'>,
  lineAt: (offset: number) => number,
  yaml: Yaml,
): Value | LineFault {
  const anchors = new Map<string, Value>();
  let merged = 0;
  try {
    return convert(contents, 1);
  } catch (error) {
    if (error instanceof Refused) return error.fault;
    throw error;
  }

  function convert(node: Node | null, lineAbove: number): Value {
    const line = lineOf(node) ?? lineAbove;
    if (yaml.isAlias(node)) {
      const value = anchors.get(node.source);
      if (value === undefined) throw new Refused(line, 'an alias without its anchor before it');
      return value;
    }
    const value = plain(node, line);
    const anchor = (node as { anchor?: string } | null)?.anchor;
    if (anchor !== undefined) anchors.set(anchor, value);
    return value;
  }

  function plain(node: Node | null, line: number): Value {
    if (yaml.isMap(node)) return { kind: 'map', line, entries: entriesOf(node, line) };
    if (yaml.isSeq(node)) return { kind: 'list', line, items: itemsOf(node, line) };
    return { kind: 'scalar', line, value: yaml.isScalar(node) ? node.value : null };
  }

  function itemsOf(node: YAMLSeq, line: number): readonly Value[] {
    // No item is a pair: in a flow sequence the library makes a map of `a: b`.
    return node.items.map((item) =>
      isNode(item) ? convert(item, line) : { kind: 'scalar', line, value: null },
    );
  }

  function entriesOf(node: YAMLMap, line: number): ReadonlyMap<string, Value> {
    const entries = new Map<string, Value>();
    const merges: Value[] = [];
    for (const { key, value } of node.items) {
      const keyNode = isNode(key) ? key : null;
      const keyLine = lineOf(keyNode) ?? line;
      const found = convert(isNode(value) ? value : null, keyLine);
      if (yaml.isScalar(key) && isMergeKey(key)) {
        merges.push(found);
        continue;
      }
      const name = convert(keyNode, keyLine);
      if (name.kind !== 'scalar') throw new Refused(keyLine, 'a key that is not a scalar');
      const text = String(name.value);
      if (entries.has(text)) throw new Refused(keyLine, 'a duplicate key');
      entries.set(text, found);
    }
    for (const value of merges) merge(entries, value);
    return entries;
  }

  function merge(entries: Map<string, Value>, value: Value): void {
    const sources = value.kind === 'list' ? value.items : [value];
    for (const source of sources) {
      if (source.kind !== 'map') throw new Refused(source.line, 'a << that does not merge a map');
      merged += source.entries.size + 1;
      if (merged > maxMerged) throw new Refused(source.line, 'too many entries merged by <<');
      for (const [name, each] of source.entries) if (!entries.has(name)) entries.set(name, each);
    }
  }

  function lineOf(node: Node | null): number | undefined {
    const offset = node?.range?.[0];
    return offset === undefined ? undefined : lineAt(offset);
  }
}

/** The value, unless it is null: Go reads null as a zero value, as if the key were missing. */
export function present(value: Value | undefined): Value | undefined {
  return value?.kind === 'scalar' && value.value === null ? undefined : value;
}

/** The value at a path of keys; undefined if a key is missing or null. */
export function valueAt(value: Value | undefined, keys: readonly string[]): Value | undefined {
  let found = value;
  for (const key of keys) {
    found = found?.kind === 'map' ? present(found.entries.get(key)) : undefined;
  }
  return found;
}

/** The string at a key; undefined if there is anything else. */
export function textAt(value: Value | undefined, key: string): string | undefined {
  const found = valueAt(value, [key]);
  return found?.kind === 'scalar' && typeof found.value === 'string' ? found.value : undefined;
}

/** The items at a key; none if there is anything else. */
export function listAt(value: Value, key: string): readonly Value[] {
  const found = valueAt(value, [key]);
  return found?.kind === 'list' ? found.items : [];
}

/** A scalar as text, also a number or a boolean; empty for null and for anything else. */
export function textOf(value: Value | undefined): string {
  const written = value?.kind === 'scalar' ? value.value : undefined;
  if (typeof written === 'string') return written;
  return typeof written === 'number' || typeof written === 'boolean' ? String(written) : '';
}

export function isFault(found: Value | LineFault): found is LineFault {
  return 'code' in found;
}

function isMergeKey(key: Scalar): boolean {
  // With merging on, the library represents `<<` as a symbol; a quoted `<<` is an ordinary key.
  return typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN');
}

function isNode(item: unknown): item is Node {
  return typeof item === 'object' && item !== null;
}

class Refused extends Error {
  readonly fault: LineFault;

  constructor(line: number, found: string) {
    super(found);
    this.fault = {
      code: 'yaml',
      line,
      message: `expected a YAML document, found ${found}`,
      hint: 'correct the document; all of it is ignored',
    };
  }
}
