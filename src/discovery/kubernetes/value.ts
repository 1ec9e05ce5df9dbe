import type { Document, Node, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { Fault } from '../problem.ts';

/** What stands in a YAML document, with the line of each thing. Aliased values are shared. */
export type Value =
  | { readonly kind: 'map'; readonly line: number; readonly entries: ReadonlyMap<string, Value> }
  | { readonly kind: 'list'; readonly line: number; readonly items: readonly Value[] }
  | { readonly kind: 'scalar'; readonly line: number; readonly value: unknown };

export interface LineFault extends Fault {
  /** 1-based. */
  readonly line?: number;
}

type Yaml = Pick<typeof import('yaml'), 'isAlias' | 'isMap' | 'isSeq' | 'isScalar'>;

/** Merging copies entries, so many merges of a large map would take the square of the file. */
const maxMerged = 10_000;

/**
 * A composed document as plain values, each of its nodes once: an alias is the value that it
 * stands for, so a bomb of aliases takes no more than its text.
 *
 * As Go's YAML libraries, and so as podman and the kubelet: a key that stands twice, an alias
 * without its anchor and one inside of what it names are errors; `<<` merges.
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
      if (value === undefined) throw new Refused(line, 'an alias to what stands nowhere before it');
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
    // In a flow sequence `a: b` is a map of its own.
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
      if (name.kind !== 'scalar') throw new Refused(keyLine, 'a key that is no text');
      const text = String(name.value);
      if (entries.has(text)) throw new Refused(keyLine, 'a key that stands there twice');
      entries.set(text, found);
    }
    for (const value of merges) merge(entries, value);
    return entries;
  }

  function merge(entries: Map<string, Value>, value: Value): void {
    const sources = value.kind === 'list' ? value.items : [value];
    for (const source of sources) {
      if (source.kind !== 'map') throw new Refused(source.line, 'a << that merges no map');
      merged += source.entries.size + 1;
      if (merged > maxMerged) throw new Refused(source.line, 'too much that << merges');
      for (const [name, each] of source.entries) if (!entries.has(name)) entries.set(name, each);
    }
  }

  function lineOf(node: Node | null): number | undefined {
    const offset = node?.range?.[0];
    return offset === undefined ? undefined : lineAt(offset);
  }
}

export function isFault(found: Value | LineFault): found is LineFault {
  return 'code' in found;
}

function isMergeKey(key: Scalar): boolean {
  // The library makes a symbol of it where merging is on; quoted it is a key like any other.
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
      hint: 'correct the document; nothing in it counts',
    };
  }
}
