import { onceFor } from '../common/once-for.ts';
import { matchesWhole, type Piece } from '../common/text/wildcards.ts';
import type { Root } from '../root/root.ts';

/** Bounds the directories that one pattern may list. */
const maxDirectories = 1_000;

/** PATH_MAX (limits.h): no longer pattern can match a path. */
const maxPattern = 4096;

/** The steps of all comparisons of names with patterns in one root: units can have thousands of patterns. */
const stepsOf = onceFor<Root, { left: number }>(() => ({ left: 200_000_000 }));

/**
 * The existing paths that a pattern matches, sorted by component; wildcards may stand in each one.
 *
 * Source: glob(7); systemd, src/core/execute.c, `exec_context_load_environment`.
 *
 * @param hidden whether wildcards match a leading dot: they do for programs written in Go.
 * @returns undefined if the pattern matches too many directories, or if the patterns of the root take too
 *   many steps.
 * @throws {RootError}
 */
export function globbed(
  root: Root,
  pattern: string,
  hidden: 'hidden' | 'visible' = 'visible',
): readonly string[] | undefined {
  if (!/[*?[]/.test(pattern)) return root.lookup(pattern) === undefined ? [] : [pattern];
  if (pattern.length > maxPattern) return [];
  let paths: readonly string[] = [''];
  for (const component of pattern.split('/').filter((part) => part !== '')) {
    if (paths.length > maxDirectories || stepsOf(root).left < 0) return undefined;
    paths = paths.flatMap((path) => below(root, path, component, hidden));
  }
  return stepsOf(root).left < 0
    ? undefined
    : paths.filter((path) => root.lookup(path) !== undefined);
}

/** A function that tells whether a name matches a pattern with wildcards. */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const pieces = piecesOf(pattern);
  return (name) => matchesWhole(name, pieces);
}

function below(
  root: Root,
  directory: string,
  component: string,
  hidden: 'hidden' | 'visible',
): readonly string[] {
  if (!/[*?[]/.test(component)) return [`${directory}/${component}`];
  const place = directory === '' ? '/' : directory;
  if (root.lookup(place)?.kind !== 'directory') return [];
  const pieces = piecesOf(component);
  const entries = root.list(place) ?? [];
  const steps = stepsOf(root);
  for (const { name } of entries) steps.left -= name.length * pieces.length;
  if (steps.left < 0) return [];
  return entries
    .filter(({ name }) => hidden === 'hidden' || component[0] === '.' || !name.startsWith('.'))
    .filter(({ name }) => matchesWhole(name, pieces))
    .map(({ name }) => `${directory}/${name}`);
}

function piecesOf(pattern: string): readonly Piece[] {
  const pieces: Piece[] = [];
  const lastBracket = pattern.lastIndexOf(']');
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    const set = char === '[' && at < lastBracket ? bracketAt(pattern, at) : undefined;
    if (set !== undefined) {
      pieces.push(set.matches);
      at = set.end;
    } else if (char === '*') pieces.push('*');
    else if (char === '?') pieces.push(() => true);
    else {
      const literal = char === '\\' ? (pattern[++at] ?? '\\') : char;
      pieces.push((found) => found === literal);
    }
  }
  return pieces;
}

/** A set such as `[a-z]` or `[!0-9]`; undefined if the bracket is not closed. */
function bracketAt(
  pattern: string,
  at: number,
): { readonly end: number; readonly matches: (char: string) => boolean } | undefined {
  const negated = pattern[at + 1] === '!' || pattern[at + 1] === '^';
  const from = at + (negated ? 2 : 1);
  const end = pattern.indexOf(']', from + 1);
  if (end < 0) return undefined;
  const ranges: (readonly [string, string])[] = [];
  for (let i = from; i < end; i++) {
    const first = pattern[i] ?? '';
    const isRange = pattern[i + 1] === '-' && i + 2 < end;
    ranges.push([first, isRange ? (pattern[i + 2] ?? first) : first]);
    if (isRange) i += 2;
  }
  const inSet = (char: string) => ranges.some(([low, high]) => low <= char && char <= high);
  return { end, matches: (char) => inSet(char) !== negated };
}
