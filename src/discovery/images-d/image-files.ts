import { problemOf } from '../../root/problem-of.ts';
import { RootError } from '../../root/root.ts';
import { followed, linkTarget } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';
import type { SourceContext } from '../source.ts';

/** A file in one of berth's own `images.d` directories. */
export interface ImageFile {
  readonly name: string;
  readonly path: string;
  readonly realPath: string;
  readonly text: string;
}

export interface ImageFiles {
  readonly files: readonly ImageFile[];
  readonly problems: readonly Problem[];
}

/** The limit for all files of a kind together, enough for some 100,000 names of usual length. */
const maxBytes = 8 * 1024 * 1024;

/**
 * Reads the files in `/usr/lib/berth/images.d` and `/etc/berth/images.d` whose names match a
 * pattern. A file in `/etc` replaces the file of the same name in `/usr/lib`; a link to `/dev/null`
 * in `/etc` removes it.
 */
export function imageFiles({ root, etc }: SourceContext, pattern: RegExp): ImageFiles {
  const problems: Problem[] = [];
  const places = new Map<string, string>();
  for (const directory of ['/usr/lib/berth/images.d', `${etc}/berth/images.d`]) {
    try {
      for (const { name } of root.list(followed(root, etc, directory)) ?? []) {
        if (pattern.test(name) && !name.startsWith('.')) places.set(name, `${directory}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      problems.push({ ...problemOf(error), subject: subjectOf(directory) });
    }
  }
  const files: ImageFile[] = [];
  let left = maxBytes;
  for (const [name, path] of places) {
    try {
      if (linkTarget(root, etc, path) === '/dev/null') continue;
      const file = root.readFile(followed(root, etc, path), maxBytes);
      if (file === undefined) {
        problems.push(dangling(path));
        continue;
      }
      left -= file.content.length;
      if (left < 0) problems.push(tooLarge(path));
      else files.push({ name, path, realPath: file.realPath, text: file.content.toString() });
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      problems.push({ ...problemOf(error), subject: subjectOf(path) });
    }
  }
  return { files, problems };
}

/**
 * The subject of a problem with a file in `images.d`. It counts as bound, as all names there do.
 */
export function subjectOf(path: string) {
  return { unitPath: path, unit: path.slice(path.lastIndexOf('/') + 1), bind: true };
}

function dangling(path: string): Problem {
  return {
    code: 'dangling-link',
    path,
    message: 'expected a file, found a link that leads nowhere inside the root',
    hint: 'ship the file that it leads to, or remove the link',
    subject: subjectOf(path),
  };
}

function tooLarge(path: string): Problem {
  return {
    code: 'too-large',
    path,
    message: `expected at most ${maxBytes} bytes in such files together, found more`,
    hint: 'name fewer images; this file is ignored',
    subject: subjectOf(path),
  };
}
