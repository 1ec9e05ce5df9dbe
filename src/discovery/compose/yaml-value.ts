import type { Alias, Document, LineCounter, Node, Pair, Scalar } from 'yaml';
import { append } from '../../common/append.ts';
import type { Fault } from '../problem.ts';

/** A node of a YAML file, its aliases followed only where they are looked at. */
export interface YamlValue {
  /** 1-based. */
  readonly line: number;
  /** As compose files use them: `!reset`, `!override`. */
  readonly tag: string | undefined;
  /** What a scalar says, as written where it is no string; undefined for null and for what is none. */
  readonly text: string | undefined;
  /** Undefined for what is no mapping; the merge key `<<` is obeyed. */
  readonly entries: ReadonlyMap<string, YamlValue> | undefined;
  /** Undefined for what is no sequence. */
  readonly items: readonly YamlValue[] | undefined;
}

export interface YamlDocuments {
  readonly documents: readonly YamlValue[];
  readonly faults: readonly (Fault & { readonly line?: number })[];
}

/** Entries that the maps of one file may have after merging: what bombs of aliases exceed. */
const mostEntries = 200_000;

/** Maps merged into maps merged into maps. */
const deepestMerge = 64;

/** Thrown where a file says more than is looked at. */
export class YamlLimit extends Error {}

/** Nothing is ever expanded as a whole, so a bomb of aliases costs no more than its own text. */
export async function readYamlValues(text: string): Promise<YamlDocuments> {
  const yaml = await import('yaml');
  const lines: LineCounter = new yaml.LineCounter();
  // `uniqueKeys` compares each key with each other.
  const options = { lineCounter: lines, uniqueKeys: false, logLevel: 'silent' as const };
  let documents: readonly Document[];
  const aliases = new Map<Alias, Node>();
  try {
    const parsed = yaml.parseAllDocuments(text, options);
    documents = Array.isArray(parsed) ? parsed : [];
    for (const document of documents) {
      const anchors = new Map<string, Node>();
      yaml.visit(document, {
        Node(_, node) {
          if (yaml.isAlias(node)) {
            const target = anchors.get(node.source);
            if (target !== undefined) aliases.set(node, target);
          } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
        },
      });
    }
  } catch (error) {
    // The parser recurses: the stack's end is the limit of its levels.
    if (!(error instanceof RangeError)) throw error;
    return { documents: [], faults: [deep] };
  }
  const faults = documents.flatMap(({ errors }) =>
    errors.slice(0, 1).map(({ message, linePos }) => ({
      code: 'yaml' as const,
      message: `expected YAML, found an error: ${message.split('\n')[0] ?? ''}`,
      hint: 'correct the file',
      line: linePos?.[0].line ?? 1,
    })),
  );
  if (faults.length > 0) return { documents: [], faults };
  const reader = new Reader(yaml, lines, aliases);
  return { documents: documents.map(({ contents }) => reader.value(contents)), faults: [] };
}

class Reader {
  readonly #yaml: typeof import('yaml');
  readonly #lines: LineCounter;
  readonly #aliases: ReadonlyMap<Alias, Node>;
  readonly #maps = new Map<Node, ReadonlyMap<string, YamlValue>>();
  #count = 0;
  #depth = 0;

  constructor(yaml: typeof import('yaml'), lines: LineCounter, aliases: ReadonlyMap<Alias, Node>) {
    this.#yaml = yaml;
    this.#lines = lines;
    this.#aliases = aliases;
  }

  /** @param line that of the key, where there is one. */
  value(node: unknown, line?: number): YamlValue {
    const { isAlias, isMap, isNode, isScalar, isSeq } = this.#yaml;
    const target = isAlias(node) ? this.#aliases.get(node) : isNode(node) ? node : undefined;
    const start = isNode(node) ? node.range?.[0] : undefined;
    const entries = () => (isMap(target) ? this.#entries(target, target.items) : undefined);
    const items = () => (isSeq(target) ? target.items.map((item) => this.value(item)) : undefined);
    return {
      line: line ?? (start === undefined ? 1 : this.#lines.linePos(start).line),
      tag: target !== undefined && !isAlias(target) ? target.tag : undefined,
      text: isScalar(target) ? scalarText(target) : undefined,
      get entries() {
        return entries();
      },
      get items() {
        return items();
      },
    };
  }

  #entries(node: Node, pairs: readonly Pair[]): ReadonlyMap<string, YamlValue> {
    const known = this.#maps.get(node);
    if (known !== undefined) return known;
    if (++this.#depth > deepestMerge) throw new YamlLimit();
    const entries = new Map<string, YamlValue>();
    // Also ends what merges itself.
    this.#maps.set(node, entries);
    const merged: YamlValue[] = [];
    for (const { key, value } of pairs) {
      const name = this.value(key).text;
      if (name === undefined) continue;
      const entry = this.value(value);
      if (name === '<<') append(merged, entry.items ?? [entry]);
      else entries.set(name, this.value(value, this.value(key).line));
    }
    for (const other of merged) {
      for (const [name, value] of other.entries ?? []) {
        if (++this.#count > mostEntries) throw new YamlLimit();
        if (!entries.has(name)) entries.set(name, value);
      }
    }
    this.#depth--;
    return entries;
  }
}

/** As written where that is no string: the version 1.10 is not 1.1. */
function scalarText({ value, source }: Scalar): string | undefined {
  if (value === null || value === undefined) return undefined;
  return typeof value === 'string' ? value : source;
}

const deep: Fault = {
  code: 'yaml',
  message: 'expected YAML of a few levels, found more than can be read',
  hint: 'take levels out of the file',
};
