// Prints how the sources hang together: lines, the largest folder, the longest functions, and the
// imports between files, type imports counted. `node scripts/structure.ts [DIRECTORY]`

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

const src = resolve(process.argv[2] ?? join(import.meta.dirname, '../src'));

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort();
const texts = new Map(files.map((name) => [name, readFileSync(join(src, name), 'utf8')]));
const arrows = new Map(
  [...texts].map(([name, text]) => {
    const specifiers = [...text.matchAll(/\b(?:from|import|import\()\s*['"](\.[^'"]+)['"]/g)];
    const targets = specifiers.map(([, to]) =>
      relative(src, resolve(src, dirname(name), to ?? '')),
    );
    return [name, new Set(targets)];
  }),
);

const folderOf = (name: string) => dirname(name);
const perFolder = [...Map.groupBy(files, folderOf)].map(
  ([folder, names]) => [names.length, folder] as const,
);
const between = [...arrows].flatMap(([name, targets]) =>
  [...targets].filter((to) => folderOf(to) !== folderOf(name)),
);
const lines = [...texts.values()].reduce((sum, text) => sum + text.split('\n').length - 1, 0);

console.log(`${files.length} files, ${lines} lines`);
console.log(`arrows: ${[...arrows.values()].reduce((sum, { size }) => sum + size, 0)}`);
console.log(`arrows between folders: ${between.length}`);
const rings = circles(arrows);
console.log(`circles: ${rings.length}${rings.map((ring) => `\n  ${ring.join(' ')}`).join('')}`);
console.log('folders with the most files:');
for (const [count, folder] of perFolder.sort(([a], [b]) => b - a).slice(0, 5)) {
  console.log(`  ${String(count).padStart(3)} ${folder}`);
}
console.log('longest functions, in lines:');
for (const [length, place] of longest().slice(0, 5)) {
  console.log(`  ${String(length).padStart(3)} ${place}`);
}

/** The strongly connected components of more than one file (Tarjan 1972). */
function circles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string) => {
    order.set(node, order.size);
    low.set(node, order.get(node) ?? 0);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      else if (!stack.includes(next)) continue;
      low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(node) !== order.get(node)) return;
    const ring = stack.splice(stack.indexOf(node));
    if (ring.length > 1) found.push(ring.sort());
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found;
}

/** Every function with its length, as oxlint counts it: without blank lines and comments. */
function longest(): [number, string][] {
  const rule = { max: 1, skipBlankLines: true, skipComments: true };
  const config = JSON.stringify({ rules: { 'max-lines-per-function': ['error', rule] } });
  const directory = mkdtempSync(join(tmpdir(), 'berth-structure-'));
  const file = join(directory, 'oxlintrc.json');
  writeFileSync(file, config);
  const oxlint = join(import.meta.dirname, '../node_modules/.bin/oxlint');
  const words = ['-A', 'all', '-D', 'max-lines-per-function', '--format', 'json', '-c', file, src];
  const { stdout } = spawnSync(oxlint, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
  rmSync(directory, { recursive: true });
  const { diagnostics }: { diagnostics: { message: string; filename: string }[] } =
    JSON.parse(stdout);
  return diagnostics
    .map(({ message, filename }): [number, string] => {
      const [, what = '', count = '0'] = /(.*?)\s*has too many lines \((\d+)\)/.exec(message) ?? [];
      return [Number(count), `${filename}: ${what}`];
    })
    .sort(([a], [b]) => b - a);
}
