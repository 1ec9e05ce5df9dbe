import { shortened } from '../model/bounds.ts';
import type { Some, Way } from '../model/report.ts';
import { type State, states } from '../model/states.ts';
import { html, type Markup } from './markup.ts';

/** An image, and the units that lead to it. */
export interface Drawn {
  readonly name: string;
  readonly state: State;
  readonly ways: Some<Way>;
}

/** In pixels: the height of a line of the picture, the width of a lane, the space around. */
const LINE = 28;
const LANE = 18;
const EDGE = 12;
/** The width of a character of the picture's font, in pixels, with some room: fonts differ. */
const CHARACTER = 7.9;
/** The most characters of a label: as many as a narrow screen has room for. */
const LABEL = 42;

/** A place in the picture. */
interface Spot {
  readonly line: number;
  readonly lane: number;
}

interface Node extends Spot {
  readonly unit: string;
  readonly from: Spot | undefined;
  /** How the unit starts, if a way ends here: then the unit names the image. */
  readonly start: Way['activation'] | undefined;
}

/**
 * The ways to an image as a picture, from the target down to the image: like the graph of a version history, with a
 * lane for each way.
 *
 * @param id unique in the page.
 */
export function picture(drawn: Drawn, id: string): Markup {
  const nodes = nodesOf(drawn.ways.shown);
  const end: Spot = { line: nodes.length, lane: 0 };
  const lanes = 1 + nodes.reduce((most, { lane }) => Math.max(most, lane), 0);
  const { symbol, word } = states[drawn.state];
  const image = `${symbol} ${shortened(drawn.name, LABEL - 2)}`;
  const left = EDGE * 2 + (lanes - 1) * LANE + 8;
  const texts = [image, ...nodes.map((node) => `${labelOf(node)}  ${howStarted(node)}`)];
  const longest = texts.reduce((most, { length }) => Math.max(most, length), 0);
  const width = Math.ceil(left + longest * CHARACTER);
  const height = LINE * (nodes.length + 1);
  const naming = nodes.filter(({ start }) => start !== undefined);
  return html`<svg class="picture" role="img" aria-labelledby="${id}-t ${id}-d" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title id="${id}-t">How ${drawn.name} is started</title><desc id="${id}-d">${described(drawn)} The image: ${word}.</desc>
${nodes.map((node) => (node.from === undefined ? undefined : edge(wayOut(node.from, node))))}
${naming.map((node) => edge(wayDown(node, end)))}
${nodes.map((node) => unit(node, left))}
<rect class="s-${drawn.state}" x="${x(end) - 6}" y="${y(end) - 6}" width="12" height="12" rx="3"/><text class="end" x="${left}" y="${y(end) + 4}">${image}</text>
</svg>`;
}

/** The ways in words, for those who don't see the picture. */
function described({ ways: { shown, more } }: Drawn): string {
  const said = shown.map(({ chain, activation }) => {
    const how = STARTS[activation];
    return `${chain.join(', then ')}${how === '' ? '' : ` (${how})`}.`;
  });
  if (more > 0) said.push(`${more} more that name it are not drawn.`);
  return said.length === 0 ? 'No unit is known to name it.' : said.join(' ');
}

interface Branch {
  start: Way['activation'] | undefined;
  readonly next: Map<string, Branch>;
}

/** The ways as a tree, in which the units that several ways begin with are there once. */
function treeOf(ways: readonly Way[]): Branch {
  const tree: Branch = { start: undefined, next: new Map() };
  for (const { chain, activation } of ways) {
    let branch = tree;
    for (const name of chain) {
      const next = branch.next.get(name) ?? { start: undefined, next: new Map() };
      branch.next.set(name, next);
      branch = next;
    }
    branch.start = activation;
  }
  return tree;
}

/** The units in the order of their lines. A way that leaves another one gets a lane of its own. */
function nodesOf(ways: readonly Way[]): readonly Node[] {
  const nodes: Node[] = [];
  let lanes = 0;
  const place = ({ next }: Branch, from: Spot | undefined, lane: number) => {
    for (const [index, [name, branch]] of [...next].entries()) {
      const own = index === 0 ? lane : ++lanes;
      const node = { unit: name, line: nodes.length, lane: own, from, start: branch.start };
      nodes.push(node);
      place(branch, node, own);
    }
  };
  place(treeOf(ways), undefined, 0);
  return nodes;
}

function unit(node: Node, left: number): Markup {
  const kind = node.from === undefined ? 'first' : 'unit';
  const how = howStarted(node);
  return html`<circle class="${kind}" cx="${x(node)}" cy="${y(node)}" r="4.5"/><text x="${left}" y="${y(node) + 4}">${labelOf(node)}${how === '' ? undefined : html`<tspan class="how" dx="10">${how}</tspan>`}</text>`;
}

function edge(path: string): Markup {
  return html`<path class="edge" d="${path}"/>`;
}

/** From a unit to another that it starts: into the lane of the other at once. */
function wayOut(from: Spot, to: Spot): string {
  const [ax, ay, bx, by] = [x(from), y(from), x(to), y(to)];
  if (ax === bx) return `M${ax} ${ay}V${by}`;
  const middle = ay + LINE / 2;
  return `M${ax} ${ay}C${ax} ${middle} ${bx} ${middle} ${bx} ${ay + LINE}V${by}`;
}

/** From a unit to the image: down its own lane, which bends at the end. */
function wayDown(from: Spot, to: Spot): string {
  const [ax, ay, bx, by] = [x(from), y(from), x(to), y(to)];
  if (ax === bx) return `M${ax} ${ay}V${by}`;
  const middle = by - LINE / 2;
  return `M${ax} ${ay}V${by - LINE}C${ax} ${middle} ${bx} ${middle} ${bx} ${by}`;
}

function labelOf({ unit: name }: Node): string {
  return shortened(name, LABEL - 12);
}

function howStarted({ start }: Node): string {
  return start === undefined ? '' : STARTS[start];
}

const STARTS: Readonly<Record<Way['activation'], string>> = {
  boot: 'at boot',
  socket: 'by a socket',
  timer: 'by a timer',
  path: 'by a path',
  dbus: 'by the bus',
  'on-success': 'after a success',
  'on-failure': 'after a failure',
  none: 'nothing starts it',
  unknown: '',
};

function x({ lane }: Spot): number {
  return EDGE + lane * LANE;
}

function y({ line }: Spot): number {
  return LINE / 2 + line * LINE;
}
