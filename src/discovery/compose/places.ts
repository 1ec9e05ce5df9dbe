import { posix } from 'node:path';
import { matchesWhole, type Piece } from '../../common/text/wildcards.ts';
import type { ComposeFiles } from './files.ts';

/** The existing paths that the patterns match: no path twice, sorted within each pattern. */
export function placesOf(patterns: readonly string[], files: ComposeFiles): string[] {
  const found = patterns.flatMap((pattern) => matches(posix.resolve('/', pattern), files));
  return [...new Set(found)].filter((place) => files.kind(place) !== undefined);
}

function matches(pattern: string, files: ComposeFiles): string[] {
  let paths = ['/'];
  for (const component of pattern.split('/').filter((part) => part !== '')) {
    if (!component.includes('*')) {
      paths = paths.map((path) => posix.join(path, component));
      continue;
    }
    const pieces = piecesOf(component);
    paths = paths
      .filter((path) => files.kind(path) === 'directory')
      .flatMap((path) =>
        files
          .names(path)
          // As in a shell, a pattern matches hidden files only if it begins with a dot.
          .filter(
            (name) =>
              matchesWhole(name, pieces) && (component.startsWith('.') || !name.startsWith('.')),
          )
          .map((name) => posix.join(path, name)),
      );
  }
  return paths;
}

function piecesOf(component: string): readonly Piece[] {
  return component.split('').map((own) => (own === '*' ? '*' : (char) => char === own));
}
