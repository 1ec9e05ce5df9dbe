import { posix } from 'node:path';
import { displayPath } from '../common/path-bytes.ts';
import { problemOf, problemOfCited } from '../root/problem-of.ts';
import { type Entry, RootError } from '../root/root.ts';
import { followed } from '../systemd/etc.ts';
import { readAsBootc } from './bootc-link.ts';
import { imageOf } from './image-value.ts';
import type { Problem } from './problem.ts';
import type { BoundLink, Reference } from './reference.ts';
import type { SourceContext } from './source.ts';

export interface BoundLinks {
  readonly links: readonly BoundLink[];
  /** References in files that bootc reads but that become no unit of the root. */
  readonly references: readonly Reference[];
  readonly problems: readonly Problem[];
}

/** The sources' knowledge about unit files, asked by real path. */
export interface KnownFiles {
  /** Whether a source reads the file as one that names images. */
  readonly isRead: (realPath: string) => boolean;
  /** Whether the file is masked: hidden on purpose by an empty file of the same name. */
  readonly isMasked: (realPath: string) => boolean;
  /** The path of a file with the same name that takes precedence, if there is one. */
  readonly hiddenBy: (realPath: string) => string | undefined;
  /** The files that are bound together with the file: for a pod, its containers. */
  readonly members: (realPath: string) => readonly string[];
}

const ownDirectory = '/usr/lib/berth/bound.d';
const bootcDirectory = '/usr/lib/bootc/bound-images.d';

/**
 * Reads the links by which a root binds its units: berth's own, which may lead to any file that
 * names images, and bootc's, which may lead only to `.image` and `.container` files.
 */
export function boundLinks(context: SourceContext, known: KnownFiles): BoundLinks {
  const links: BoundLink[] = [];
  const references: Reference[] = [];
  const problems: Problem[] = [];
  for (const directory of [ownDirectory, bootcDirectory]) {
    const code = directory === ownDirectory ? 'bound-link' : 'bootc-refuses';
    for (const entry of entriesOf(context, directory, problems)) {
      const path = `${directory}/${entry.name}`;
      const target = targetOf(context, path, entry, code, problems);
      if (target === undefined) continue;
      for (const bound of [target, ...known.members(target)]) links.push({ path, target: bound });
      const isRead = known.isRead(target) || known.isMasked(target);
      if (directory === ownDirectory) {
        if (!isRead) problems.push(notRead(path, target, known.hiddenBy(target)));
      } else bootcLink(context, path, target, isRead, references, problems);
    }
  }
  return { links, references, problems };
}

function entriesOf(
  { root }: SourceContext,
  directory: string,
  problems: Problem[],
): readonly Entry[] {
  try {
    return root.list(directory) ?? [];
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: subjectOf(directory) });
    return [];
  }
}

function targetOf(
  { root, etc }: SourceContext,
  path: string,
  entry: Entry,
  code: 'bound-link' | 'bootc-refuses',
  problems: Problem[],
): string | undefined {
  const refuse = (found: string, hint: string) => {
    const message = `expected a link to a unit file, found ${found}`;
    problems.push({ code, path, message, hint, subject: subjectOf(path) });
  };
  if (entry.kind !== 'link') {
    refuse('something else', 'replace it with a link to the unit to be bound');
    return undefined;
  }
  try {
    const found = root.lookup(followed(root, etc, path));
    if (found?.kind === 'file') return found.realPath;
    const where =
      found === undefined ? 'nowhere inside the root' : `to ${displayPath(found.realPath)}`;
    refuse(`one that leads ${where}`, 'ship the unit, or remove the link');
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOfCited(error), subject: subjectOf(path) });
  }
  return undefined;
}

function bootcLink(
  { root, shortNames }: SourceContext,
  path: string,
  target: string,
  isRead: boolean,
  references: Reference[],
  problems: Problem[],
): void {
  let text: string;
  try {
    text = root.readFile(target)?.content.toString() ?? '';
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOfCited(error), subject: subjectOf(target) });
    return;
  }
  const read = readAsBootc(target, text);
  if (!read.ok) {
    const line = read.line === undefined ? {} : { line: read.line };
    const at = read.line === undefined ? path : target;
    problems.push({ ...read.fault, path: at, ...line, subject: subjectOf(target) });
  } else if (!isRead) {
    const { entry, kind } = read;
    const image = imageOf(entry.value, shortNames);
    references.push({
      raw: entry.value,
      path: target,
      line: entry.line,
      key: 'Image',
      kind,
      unit: posix.basename(target),
      unitPath: target,
      scope: 'system',
      engine: 'podman',
      activation: 'none',
      via: [],
      ...(image.ok ? { image: image.image } : {}),
      pull: { policy: 'missing' },
      problems: image.ok
        ? []
        : [{ ...image.fault, path: target, line: entry.line, subject: subjectOf(target) }],
    });
  }
}

function notRead(path: string, target: string, first: string | undefined): Problem {
  const why =
    first === undefined
      ? 'which names no image, or lies where nothing reads it'
      : `but Quadlet reads ${displayPath(first)} instead`;
  return {
    code: 'bound-link',
    path,
    message: `expected a link to a unit that names an image, found one to ${displayPath(target)}, ${why}`,
    hint:
      first === undefined
        ? 'move the unit to where it is read (/usr/share/containers/systemd for Quadlet), or remove the link'
        : 'link the file that is read instead',
    subject: subjectOf(target),
  };
}

/** The subject of a problem with a link. It counts as bound, since the link is there to bind. */
function subjectOf(target: string) {
  return { unitPath: target, unit: posix.basename(target), bind: true };
}
