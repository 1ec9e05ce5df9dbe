import type { Alias, Document, LineCounter, Node, Pair, Scalar, YAMLMap } from 'yaml';
import { append } from '../../common/append.ts';
import type { Fault } from '../problem.ts';

/** A node of a YAML file. Aliases are followed only when `entries` or `items` are read. */
export interface YamlValue {
  /** The line of the key or, without one, of the node; 1-based. */
  readonly line: number;
  /** The tag, such as `!reset` and `!override` in Compose files. */
  readonly tag: string | undefined;
  /** The text of a scalar, as written if it is not a string; undefined for null and other nodes. */
  readonly text: string | undefined;
  /** Whether the node is a string, and no number, boolean or date. */
  readonly isString: boolean;
  /** The entries of a mapping, with merge keys (`<<`) applied; undefined for other nodes. */
  readonly entries: ReadonlyMap<string, YamlValue> | undefined;
  /** The items of a sequence; undefined for other nodes. */
  readonly items: readonly YamlValue[] | undefined;
}

/** The documents of a file, or the first error of each document that has errors. */
export interface YamlDocuments {
  readonly documents: readonly YamlValue[];
  readonly faults: readonly YamlFault[];
  /** The values with a dollar sign, wherever they are, but for those of `image`. */
  readonly withDollar: readonly WrittenText[];
}

/** A scalar and its line. */
export interface WrittenText {
  readonly text: string;
  readonly line: number;
}

type YamlFault = Fault & { readonly line?: number };

/** The most entries that merging may copy in one file, so that alias bombs end. */
const mostEntries = 200_000;

/** The levels of mappings that are merged into mappings. */
const deepestMerge = 64;

/** Thrown when a file exceeds one of the limits above, or a project or all of them have too many services. */
export class YamlLimit extends Error {
  /** What to say instead of the limit of one project. */
  readonly fault: Fault | undefined;

  constructor(fault?: Fault) {
    super(fault?.message);
    this.fault = fault;
  }
}

/**
 * Parses the documents of a YAML file. Aliases are never expanded as a whole, so an alias bomb
 * costs no more than its own text.
 *
 * @returns faults and no documents if any document has an error.
 */
export async function readYamlValues(text: string): Promise<YamlDocuments> {
  const yaml = await import('yaml');
  const lines: LineCounter = new yaml.LineCounter();
  // `uniqueKeys` would compare every key with every other key, and a pretty error copies its whole line.
  const options = {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent' as const,
  };
  let documents: readonly Document[];
  const aliases = new Map<Alias, Node>();
  const withDollar: WrittenText[] = [];
  let twice: YamlFault | undefined;
  try {
    const parsed = yaml.parseAllDocuments(text, options);
    documents = Array.isArray(parsed) ? parsed : [];
    for (const document of documents) {
      const anchors = new Map<string, Node>();
      yaml.visit(document, {
        Node(_, node, path) {
          if (yaml.isScalar(node) && !isImage(path.at(-1), yaml)) {
            addDollar(node, withDollar, lines);
          }
          if (yaml.isMap(node)) twice ??= keyGivenTwice(node, yaml, lines);
          if (yaml.isAlias(node)) {
            const target = anchors.get(node.source);
            if (target !== undefined) aliases.set(node, target);
          } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
        },
      });
    }
  } catch (error) {
    // The parser is recursive: the size of the stack limits the number of levels.
    if (!(error instanceof RangeError)) throw error;
    return { documents: [], faults: [tooDeep], withDollar };
  }
  const faults = documents.flatMap(({ errors }) =>
    errors.slice(0, 1).map(({ message, pos: [at] }) => ({
      code: 'yaml' as const,
      message: `expected YAML, found an error: ${message.split('\n')[0] ?? ''}`,
      hint: 'correct the file',
      line: Math.max(1, lines.linePos(at).line),
    })),
  );
  if (faults.length > 0) return { documents: [], faults, withDollar: [] };
  if (twice !== undefined) return { documents: [], faults: [twice], withDollar: [] };
  const reader = new Reader(yaml, lines, aliases);
  const values = documents.map(({ contents }) => reader.value(contents));
  return { documents: values, faults: [], withDollar };
}

/** Whether a node is the value of `image`: its variables are reported with the image. */
function isImage(parent: unknown, { isPair, isScalar }: typeof import('yaml')): boolean {
  return isPair(parent) && isScalar(parent.key) && parent.key.value === 'image';
}

function addDollar({ value, range }: Scalar, found: WrittenText[], lines: LineCounter): void {
  if (typeof value !== 'string' || !value.includes('$')) return;
  found.push({ text: value, line: range ? lines.linePos(range[0]).line : 1 });
}

/** The first key that a mapping has twice, also `<<`: Compose refuses a file with such a key. */
function keyGivenTwice(
  map: YAMLMap,
  { isScalar }: typeof import('yaml'),
  lines: LineCounter,
): YamlFault | undefined {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) {
      const start = key.range?.[0];
      return { ...givenTwice, ...(start === undefined ? {} : { line: lines.linePos(start).line }) };
    }
    seen.add(key.value);
  }
  return undefined;
}

const givenTwice: Fault = {
  code: 'yaml',
  message: 'expected each key of a mapping once, found one twice, which Compose refuses',
  hint: 'remove one of the keys; several merges can be written in one list: `<<: [*a, *b]`',
};

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

  /** @param line the line of the key, if the node is the value of one. */
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
      isString: isScalar(target) && typeof target.value === 'string',
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
    // Set before merging, so that a mapping that merges itself ends.
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

/** The text of a scalar, as written if it is not a string: the tag 1.10 must not become 1.1. */
function scalarText({ value, source }: Scalar): string | undefined {
  if (value === null || value === undefined) return undefined;
  return typeof value === 'string' ? value : source;
}

const tooDeep: Fault = {
  code: 'yaml',
  message: 'expected YAML with fewer levels, found more than can be read',
  hint: 'reduce the nesting in the file',
};
