import { append } from '../../common/append.ts';
import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed, linkTarget } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';

/** The users whose manager starts at boot, by name. */
export interface Lingering {
  readonly names: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

type Tree = Pick<SourceContext, 'root' | 'etc'>;

/**
 * The users who linger: `loginctl enable-linger` makes an empty file for each, and so do OS images
 * with tmpfiles.d.
 *
 * Source: systemd, src/login/logind-user.c.
 */
export function lingeringUsers(tree: Tree): Lingering {
  const problems: Problem[] = [];
  const names = namesIn(directory, tree, problems);
  return { names: new Set([...names, ...madeAtBoot(tree, problems)]), problems };
}

const directory = '/var/lib/systemd/linger';

/** In bytes, for all files of tmpfiles.d together: those of Debian have 60 kB. */
const maxBytes = 8 * 1024 * 1024;

/** The users for whom tmpfiles.d makes the file. Source: tmpfiles.d(5). */
function madeAtBoot(tree: Tree, problems: Problem[]): readonly string[] {
  const files = new Map<string, string>();
  const places = ['/usr/lib', '/usr/local/lib', '/run', tree.etc];
  for (const place of places.map((parent) => `${parent}/tmpfiles.d`)) {
    for (const name of namesIn(place, tree, problems)) {
      if (name.endsWith('.conf')) files.set(name, `${place}/${name}`);
    }
  }
  const names: string[] = [];
  let left = maxBytes;
  for (const path of files.values()) {
    const text = textOf(path, tree, problems);
    left -= text.length;
    if (left < 0) {
      problems.push(tooLarge(path));
      break;
    }
    append(
      names,
      Array.from(text.matchAll(line), ([, name = '']) => name),
    );
  }
  return names;
}

/** A line that makes a file: `f /var/lib/systemd/linger/NAME`. */
const line =
  /^[ \t]*[fF][-+!=~^$]*[ \t]+["']?\/var\/lib\/systemd\/linger\/([A-Za-z0-9_.-]+)["']?(?=[ \t\r]|$)/gm;

function namesIn(path: string, { root, etc }: Tree, problems: Problem[]): readonly string[] {
  try {
    return (root.list(followed(root, etc, path)) ?? []).map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push(problemOf(error));
    return [];
  }
}

function textOf(path: string, { root, etc }: Tree, problems: Problem[]): string {
  try {
    if (linkTarget(root, etc, path) === '/dev/null') return '';
    return root.readFile(followed(root, etc, path))?.content.toString() ?? '';
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
