import { posix } from 'node:path';
import type { KnownFiles } from './bound-links.ts';
import { podMembers } from './quadlet/pods.ts';
import type { QuadletFiles } from './quadlet/quadlet.ts';
import type { Found } from './source.ts';

/**
 * Collects what the sources know about unit files.
 *
 * @param quadlets the Quadlet units of each manager.
 */
export function knownFiles(
  quadlets: readonly QuadletFiles[],
  { references, problems }: Found,
): KnownFiles {
  const read = () =>
    new Set([
      ...quadlets.flatMap(({ units }) => Array.from(units.values(), ({ realPath }) => realPath)),
      ...references.flatMap(({ unitPath, unitRealPath = unitPath }) => [unitPath, unitRealPath]),
      ...problems.flatMap(({ subject }) => (subject === undefined ? [] : [subject.unitPath])),
    ]);
  // Computed on first use: most roots have no links that bind, and never ask.
  let known: ReadonlySet<string> | undefined;
  return {
    isRead: (path) => (known ??= read()).has(path),
    isMasked: (path) =>
      quadlets.some(
        ({ hidden, units }) => hidden.has(path) && units.get(posix.basename(path))?.masked === true,
      ),
    hiddenBy: (path) =>
      quadlets.map(({ hidden }) => hidden.get(path)).find((first) => first !== undefined),
    members: (path) => quadlets.flatMap(({ units }) => podMembers(units, path)),
  };
}
