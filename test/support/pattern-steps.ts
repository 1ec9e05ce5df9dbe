/**
 * Counts the steps of a pattern on a text as an engine that tries one way after the other takes them: V8 runs a pattern
 * in native code, which no coverage sees. Written for the patterns of this project: what it does not know, it refuses.
 */

/** What a pattern consists of. */
export type Node =
  | { readonly kind: 'char'; readonly of: string }
  | { readonly kind: 'edge'; readonly of: string }
  | { readonly kind: 'same'; readonly group: string }
  | { readonly kind: 'group'; readonly ways: readonly (readonly Node[])[]; readonly name: string }
  | { readonly kind: 'look'; readonly ways: readonly (readonly Node[])[]; readonly of: string }
  | { readonly kind: 'loop'; readonly node: Node; readonly min: number; readonly max: number };

/** @throws {Error} for what is not known. */
export function parsePattern(source: string): readonly (readonly Node[])[] {
  const parser = { source, at: 0, groups: 0 };
  const ways = parseWays(parser);
  if (parser.at < source.length) throw new Error(`${source}: ${source.slice(parser.at)}`);
  return ways;
}

interface Parser {
  readonly source: string;
  at: number;
  groups: number;
}

function parseWays(parser: Parser): readonly (readonly Node[])[] {
  const ways: Node[][] = [[]];
  while (parser.at < parser.source.length && parser.source[parser.at] !== ')') {
    if (take(parser, /\|/y) === undefined) ways.at(-1)?.push(parseLoops(parser));
    else ways.push([]);
  }
  return ways;
}

function take(parser: Parser, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = parser.at;
  const found = pattern.exec(parser.source);
  if (found !== null) parser.at += found[0].length;
  return found ?? undefined;
}

function parseLoops(parser: Parser): Node {
  const node = parseOne(parser);
  const loop = take(parser, /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y);
  if (loop === undefined) return node;
  const [, sign, min = '', comma, max = ''] = loop;
  if (sign !== undefined) {
    return {
      kind: 'loop',
      node,
      min: sign === '+' ? 1 : 0,
      max: sign === '?' ? 1 : Number.POSITIVE_INFINITY,
    };
  }
  const least = Number(min);
  const most = comma === '' ? least : max === '' ? Number.POSITIVE_INFINITY : Number(max);
  return { kind: 'loop', node, min: least, max: most };
}

function parseOne(parser: Parser): Node {
  const open = take(parser, /\((?:\?(?:([:=!]|<[=!])|<(\w+)>))?/y);
  if (open !== undefined) {
    const [, sort, called] = open;
    const name = sort === undefined ? (called ?? String(++parser.groups)) : '';
    const ways = parseWays(parser);
    take(parser, /\)/y);
    return sort === undefined || sort === ':'
      ? { kind: 'group', ways, name }
      : { kind: 'look', ways, of: sort };
  }
  const same = take(parser, /\\(?:k<(\w+)>|([1-9]))/y);
  if (same !== undefined) return { kind: 'same', group: same[1] ?? same[2] ?? '' };
  const edge = take(parser, /\^|\$|\\[bB]/y);
  if (edge !== undefined) return { kind: 'edge', of: edge[0] };
  const char = take(
    parser,
    /\[(?:[^\]\\]|\\.)*\]|\\(?:[pP]\{[^}]*\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[^}]*\}|c[A-Z]|.)|[^)|]/suy,
  );
  if (char === undefined) throw new Error(`${parser.source} at ${parser.at}`);
  return { kind: 'char', of: char[0] };
}

/** What takes more steps is cut short: it is far from linear anyway. */
export const MOST = 100_000;

class Enough extends Error {}

/** The steps in which a pattern finds its first match in a text, or none. */
export function stepsOf(pattern: RegExp, text: string): number {
  const ways = parsePattern(pattern.source);
  const runs = new Run(pattern, text);
  try {
    const last = pattern.sticky ? 0 : text.length;
    // V8 also tries a pattern that begins with ^ at each place only if it is multiline.
    for (let start = 0; start <= last; start++) if (runs.ways(ways, start, () => true)) break;
  } catch (error) {
    // A text of a few dozen characters that overflows the stack takes too many steps too.
    if (!(error instanceof Enough) && !(error instanceof RangeError)) throw error;
    return MOST;
  }
  return runs.steps;
}

type Then = (at: number) => boolean;

const classes = new Map<string, RegExp>();

/** Whether a single character is in a class. */
export function isIn(of: string, flags: string, char: string): boolean {
  const key = `${flags} ${of}`;
  const known = classes.get(key) ?? new RegExp(`^(?:${of})$`, flags.replaceAll(/[gym]/g, ''));
  classes.set(key, known);
  return known.test(char);
}

class Run {
  steps = 0;
  readonly #flags: string;
  readonly #isMultiline: boolean;
  readonly #text: string;
  readonly #groups = new Map<string, string>();

  constructor(pattern: RegExp, text: string) {
    this.#flags = pattern.flags;
    this.#isMultiline = pattern.multiline;
    this.#text = text;
  }

  ways(ways: readonly (readonly Node[])[], at: number, then: Then): boolean {
    return ways.some((way) => this.#sequence(way, 0, at, then));
  }

  #sequence(nodes: readonly Node[], index: number, at: number, then: Then): boolean {
    const node = nodes[index];
    if (node === undefined) return then(at);
    return this.#one(node, at, (after) => this.#sequence(nodes, index + 1, after, then));
  }

  #one(node: Node, at: number, then: Then): boolean {
    if (++this.steps > MOST) throw new Enough();
    switch (node.kind) {
      case 'char': {
        const char = this.#text[at];
        return char !== undefined && isIn(node.of, this.#flags, char) && then(at + 1);
      }
      case 'edge':
        return this.#isEdge(node.of, at) && then(at);
      case 'same': {
        const text = this.#groups.get(node.group) ?? '';
        return this.#text.startsWith(text, at) && then(at + text.length);
      }
      case 'group':
        return this.ways(node.ways, at, (after) => {
          const before = this.#groups.get(node.name) ?? '';
          this.#groups.set(node.name, this.#text.slice(at, after));
          if (then(after)) return true;
          this.#groups.set(node.name, before);
          return false;
        });
      case 'look':
        return this.#looks(node.ways, node.of, at) && then(at);
      case 'loop':
        return this.#loop(node.node, node.min, node.max, at, then);
    }
  }

  #looks(ways: readonly (readonly Node[])[], of: string, at: number): boolean {
    const longest = Math.max(...ways.map(longestOf));
    const begin = Math.max(0, at - longest);
    const isFound = of.startsWith('<')
      ? [...Array(at + 1 - begin).keys()].some((more) =>
          this.ways(ways, begin + more, (after) => after === at),
        )
      : this.ways(ways, at, () => true);
    return isFound === of.endsWith('=');
  }

  #loop(node: Node, min: number, max: number, at: number, then: Then): boolean {
    const again = (after: number) =>
      (after > at || min > 0) && this.#loop(node, Math.max(0, min - 1), max - 1, after, then);
    return (max > 0 && this.#one(node, at, again)) || (min === 0 && then(at));
  }

  #isEdge(of: string, at: number): boolean {
    const [before, next] = [this.#text[at - 1], this.#text[at]];
    if (of === '^') return at === 0 || (this.#isMultiline && before === '\n');
    if (of === '$') return next === undefined || (this.#isMultiline && next === '\n');
    const isWord = (char = ' ') => /\w/.test(char);
    return (isWord(before) === isWord(next)) === (of === '\\B');
  }
}

/** The most characters that a part of a pattern takes. */
function longestOf(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => {
    if (node.kind === 'char') return sum + 1;
    if (node.kind === 'group') return sum + Math.max(...node.ways.map(longestOf));
    if (node.kind === 'loop') return sum + longestOf([node.node]) * node.max;
    return node.kind === 'same' ? Number.POSITIVE_INFINITY : sum;
  }, 0);
}
