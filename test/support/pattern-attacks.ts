import { isIn, type Node, parsePattern } from './pattern-steps.ts';

/** A text whose middle is repeated, to see how the steps of a pattern grow. */
export type Attack = (times: number) => string;

const CANDIDATES = [
  ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)),
  '\n',
  '\r',
  '\t',
  '\0',
  '\u001b',
  'é',
  '\u2028',
];

/** What comes behind the repeated part, so that no way of matching it succeeds. */
const TAILS = ['', '\u0001', ' !', '"', '\n\u0001'];

/** For each part of a pattern that may be repeated without end: texts that begin as the pattern wants, and repeat it. */
export function attacksOn(pattern: RegExp, random: () => number): readonly Attack[] {
  const ways = parsePattern(pattern.source);
  const sampler = new Sampler(pattern.flags, random);
  return loopsIn(ways.flat()).flatMap((loop) => {
    const pumps = new Set<string>();
    for (let round = 0; round < 12; round++) pumps.add(sampler.text([loop.node]));
    const twice = [...pumps].map((pump, index, all) => pump + (all[index + 1] ?? pump));
    const middles = [...new Set([...pumps, ...twice])].filter((pump) => pump !== '').slice(0, 8);
    return middles.flatMap((middle) =>
      TAILS.map((tail): Attack => {
        const before = sampler.before(ways, loop) ?? '';
        return (times) => before + middle.repeat(times) + tail;
      }),
    );
  });
}

type Loop = Extract<Node, { kind: 'loop' }>;

function loopsIn(nodes: readonly Node[]): readonly Loop[] {
  return nodes.flatMap((node): readonly Loop[] => {
    if (node.kind === 'group' || node.kind === 'look') return loopsIn(node.ways.flat());
    if (node.kind !== 'loop') return [];
    const inner = loopsIn([node.node]);
    return node.max === Number.POSITIVE_INFINITY ? [node, ...inner] : inner;
  });
}

/** Makes texts that parts of a pattern match. */
class Sampler {
  readonly #flags: string;
  readonly #random: () => number;

  constructor(flags: string, random: () => number) {
    this.#flags = flags;
    this.#random = random;
  }

  text(nodes: readonly Node[]): string {
    return nodes.map((node) => this.#one(node)).join('');
  }

  /** A text for all that comes before a loop; undefined if these ways do not lead to it. */
  before(ways: readonly (readonly Node[])[], loop: Loop): string | undefined {
    for (const way of ways) {
      let text = '';
      for (const node of way) {
        const inside = this.#beforeIn(node, loop);
        if (inside !== undefined) return text + inside;
        text += this.#one(node);
      }
    }
    return undefined;
  }

  #beforeIn(node: Node, loop: Loop): string | undefined {
    if (node === loop) return '';
    if (node.kind === 'group' || node.kind === 'look') return this.before(node.ways, loop);
    return node.kind === 'loop' ? this.#beforeIn(node.node, loop) : undefined;
  }

  #one(node: Node): string {
    switch (node.kind) {
      case 'char':
        return this.#pick(CANDIDATES.filter((char) => isIn(node.of, this.#flags, char))) ?? '';
      case 'group':
        return this.text(this.#pick(node.ways) ?? []);
      case 'loop': {
        const times = Math.min(node.max, Math.max(node.min, this.#random() < 0.5 ? 1 : 0));
        return Array.from({ length: times }, () => this.#one(node.node)).join('');
      }
      case 'edge':
      case 'same':
      case 'look':
        return '';
    }
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)];
  }
}
