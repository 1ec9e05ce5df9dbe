import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { type EntryKind, RootError } from '../../root/root.ts';
import { confFiles, confText } from '../../systemd/conf-files.ts';
import { followed, whereInTree } from '../../systemd/etc.ts';
import { nameMatcher } from '../../systemd/glob.ts';
import { readOsRelease } from '../../systemd/os-release.ts';
import { parseTmpfiles, type TmpfilesLine } from '../../systemd/tmpfiles.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';

/** The users whose manager starts at boot, by name. */
export interface Lingering {
  readonly names: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

type Tree = Pick<SourceContext, 'root' | 'etc' | 'architecture'>;

/**
 * The users who linger: `loginctl enable-linger` makes an empty file for each, and so do OS images
 * with tmpfiles.d, which may also remove files.
 *
 * Source: systemd, src/login/logind.c, `manager_enumerate_linger_users`.
 */
export function lingeringUsers(tree: Tree): Lingering {
  const problems: Problem[] = [];
  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      problems.push(problemOf(error));
      return otherwise;
    }
  };
  const there = attempt(() => filesIn(directory, tree), []);
  const lines = attempt(() => tmpfiles(tree, problems), []);
  const removal = removalOf(lines);
  const isReplaced = lines.some(({ type, modifiers, path }) => {
    return type === 'L' && modifiers.includes('+') && isAbove(path);
  });
  const names = new Set(isReplaced ? [] : there.filter((name) => !removal(name)));
  for (const line of attempt(() => makers(lines, tree), [])) {
    const made = attempt(() => madeBy(line, there, tree), []);
    for (const name of made) names.add(name);
  }
  return { names, problems };
}

const directory = '/var/lib/systemd/linger';

/** In bytes, for all files of tmpfiles.d together: those of Debian have 60 kB. */
const maxBytes = 8 * 1024 * 1024;

/** The most lines that concern the directory: no host has as many users who linger. */
const maxLines = 10_000;

/** The lines of tmpfiles.d that concern the directory or one of its parents, in their order. */
function tmpfiles({ root, etc, architecture }: Tree, problems: Problem[]): readonly TmpfilesLine[] {
  const lines: TmpfilesLine[] = [];
  let osRelease: ReadonlyMap<string, string> | undefined;
  let left = maxBytes;
  for (const path of confFiles(root, etc, 'tmpfiles.d')) {
    const text = textOf(path, { root, etc }, problems);
    left -= text.length;
    if (left < 0 || lines.length > maxLines) {
      problems.push(tooLarge(path));
      break;
    }
    if (!isOfInterest(text)) continue;
    osRelease ??= readOsRelease(root, etc) ?? new Map();
    const parsed = parseTmpfiles(text, { architecture, osRelease }, isOfInterest);
    append(
      lines,
      parsed.filter(({ path: at }) => concerns(at)),
    );
  }
  return lines;
}

/** Whether a text may name the directory: as it is, by a specifier or an escape, or by a parent. */
function isOfInterest(text: string): boolean {
  return /linger|%S|\\|\/var\/?["'\s]|\/var\/lib\/?["'\s]|\/systemd\/?["'\s]|[*?[]/.test(text);
}

function concerns(path: string): boolean {
  return (
    `${path}/`.startsWith(`${directory}/`) || directory.startsWith(`${path}/`) || /[*?[]/.test(path)
  );
}

/** The steps of all comparisons of names with patterns; after them no file counts as removed. */
const maxWork = 100_000_000;

/** A function that tells whether lines remove a user's file at boot, before lines make files. */
function removalOf(lines: readonly TmpfilesLine[]): (name: string) => boolean {
  const patterns = lines.map(patternOf);
  const removals = patterns.filter(({ type }) => 'DrR'.includes(type));
  if (removals.length === 0) return () => false;
  let work = 0;
  return (name) => {
    const file = [...directory.split('/'), name];
    const depths = patterns.map(({ path, matches }) => {
      work += path.length * name.length;
      return work > maxWork || !matches(file) ? undefined : path.split('/').length;
    });
    const ofFile = patterns.filter((_, index) => depths[index] === file.length);
    if (ofFile.length > 0) return ofFile.some(({ type }) => type === 'r' || type === 'R');
    // `D` and `R` empty a directory of the files that no line names.
    return patterns.some(({ type }, index) => depths[index] !== undefined && 'DR'.includes(type));
  };
}

/** A line, and whether its path is that of a file or of a directory above the file. */
function patternOf({ type, path }: TmpfilesLine) {
  const matchers = path
    .split('/')
    .map((part) =>
      /[*?[]/.test(part) && 'rRwxXzZtThHaAe'.includes(type)
        ? nameMatcher(part)
        : (name: string) => name === part,
    );
  const matches = (file: readonly string[]) =>
    matchers.length <= file.length &&
    matchers.every((matcher, index) => matcher(file[index] ?? ''));
  return { type, path, matches };
}

/** The lines that make something; of several for one path the first counts, and each `L+`. */
function makers(lines: readonly TmpfilesLine[], tree: Tree): readonly TmpfilesLine[] {
  const made = new Set<string>();
  return lines.filter((line) => {
    const { type, modifiers, path } = line;
    if (!'fFdDvqQpLcbC'.includes(type)) return false;
    // systemd skips such a line if the source is missing.
    const needsSource = type === 'C' || modifiers.includes('?');
    if (needsSource && kindOf(sourceOf(line), tree) === undefined) return false;
    const isFirst = !made.has(path);
    made.add(path);
    return isFirst || (type === 'L' && modifiers.includes('+'));
  });
}

/** Whether a path is the directory or one of its parents. */
function isAbove(path: string): boolean {
  return directory.startsWith(`${path}/`) || path === directory;
}

/** The users whose files a line makes. */
function madeBy(line: TmpfilesLine, there: readonly string[], tree: Tree): readonly string[] {
  const { type, path } = line;
  if (isAbove(path)) return type === 'C' || type === 'L' ? copied(line, there, tree) : [];
  const name = posix.basename(path);
  if (posix.dirname(path) !== directory || !isUsersFile(name)) return [];
  switch (type) {
    case 'f':
    case 'F':
    case 'L':
      return [name];
    case 'C':
      return kindOf(sourceOf(line), tree) === 'file' ? [name] : [];
    default:
      return [];
  }
}

/** The files in the directory that a line copies or links, unless there is one already. */
function copied(line: TmpfilesLine, there: readonly string[], tree: Tree): readonly string[] {
  const isForced = line.modifiers.includes('+');
  const isFree = kindOf(line.path, tree) === undefined || (line.type === 'C' && there.length === 0);
  if (!isForced && !isFree) return [];
  const source = `${sourceOf(line)}${directory.slice(line.path.length)}`;
  return kindOf(source, tree) === 'directory' ? filesIn(source, tree) : [];
}

/** The file that a line copies or links, as the booted root has it. */
function sourceOf({ argument, path }: TmpfilesLine): string {
  return argument === '' || argument === '-'
    ? `/usr/share/factory${path}`
    : posix.resolve(posix.dirname(path), argument);
}

/** The names in a directory that logind counts: files and links, without hidden files and backups. */
function filesIn(path: string, { root, etc }: Tree): readonly string[] {
  const entries = root.list(followed(root, etc, whereInTree(etc, path))) ?? [];
  return entries.flatMap(({ name, kind }) =>
    (kind === 'file' || kind === 'link') && isUsersFile(name) ? [name] : [],
  );
}

function isUsersFile(name: string): boolean {
  return !name.startsWith('.') && !name.endsWith('~');
}

function kindOf(path: string, { root, etc }: Tree): EntryKind | undefined {
  return root.lookup(followed(root, etc, whereInTree(etc, path)))?.kind;
}

function textOf(
  path: string,
  { root, etc }: Pick<Tree, 'root' | 'etc'>,
  problems: Problem[],
): string {
  try {
    return confText(root, etc, path);
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push(problemOf(error));
    return '';
  }
}

function tooLarge(path: string): Problem {
  return {
    code: 'too-large',
    path,
    message: `expected at most ${maxBytes} bytes in the files of tmpfiles.d together, found more`,
    hint: 'make them smaller; users who linger by the rest of them are not known',
  };
}
