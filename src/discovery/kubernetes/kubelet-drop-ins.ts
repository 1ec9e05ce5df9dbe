import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { type Entry, RootError } from '../../root/root.ts';
import { followed } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';

/** The most drop-ins and subdirectories together; hosts have a handful. */
const maxEntries = 64;

/**
 * The drop-ins of the kubelet's configuration in a directory and its subdirectories, in the order in
 * which they are merged.
 *
 * Source: kubernetes, cmd/kubelet/app/server.go, `mergeKubeletConfigurations`.
 */
export function dropInsIn(
  directory: string,
  context: SourceContext,
  problems: Problem[],
): readonly string[] {
  const found: string[] = [];
  const pending = entriesOf(directory, context, problems);
  let entries = pending.length;
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    if (entries > maxEntries) {
      problems.push(tooMany(directory));
      return [];
    }
    if (entry.kind !== 'directory') found.push(entry.path);
    else {
      const inner = entriesOf(entry.path, context, problems);
      entries += inner.length;
      append(pending, inner);
    }
  }
  return found;
}

interface PlacedEntry extends Entry {
  readonly path: string;
}

/** The subdirectories and drop-ins in a directory, the first at the end. Links to directories don't count. */
function entriesOf(
  directory: string,
  { root, etc }: SourceContext,
  problems: Problem[],
): PlacedEntry[] {
  try {
    return (root.list(followed(root, etc, directory)) ?? [])
      .filter(({ name, kind }) => kind === 'directory' || name.endsWith('.conf'))
      .map((entry) => ({ ...entry, path: `${directory}/${entry.name}` }))
      .toReversed();
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: kubeletAt(directory) });
    return [];
  }
}

/** The subject of a problem with a file of the kubelet. */
export function kubeletAt(unitPath: string) {
  return { unitPath, unit: 'kubelet.service' };
}

function tooMany(directory: string): Problem {
  return {
    code: 'too-many-entries',
    path: directory,
    message: `expected at most ${maxEntries} drop-ins of the kubelet's configuration, found more`,
    hint: 'merge them into fewer files; all of them are ignored',
    subject: kubeletAt(directory),
  };
}
