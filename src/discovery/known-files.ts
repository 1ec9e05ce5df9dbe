import { posix } from 'node:path';
import type { KnownFiles } from './bound-links.ts';
import { podMembers } from './quadlet/pods.ts';
import type { Quadlets } from './quadlet/quadlet.ts';
import type { Found } from './source.ts';

/** @param quadlets as each manager reads them. */
export function knownFiles(
  quadlets: readonly Quadlets[],
  { references, problems }: Found,
): KnownFiles {
  const read = () =>
    new Set([
      ...quadlets.flatMap(({ units }) => Array.from(units.values(), ({ realPath }) => realPath)),
      ...references.flatMap(({ unitPath, unitRealPath = unitPath }) => [unitPath, unitRealPath]),
      ...problems.flatMap(({ subject }) => (subject === undefined ? [] : [subject.unitPath])),
    ]);
  // Most roots have no link that binds, and then need not know this.
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
