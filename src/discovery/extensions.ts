import { displayPath } from '../common/path-bytes.ts';
import { problemOf } from '../root/problem-of.ts';
import { RootError } from '../root/root.ts';
import { followed } from '../systemd/etc.ts';
import type { Problem } from './problem.ts';
import type { SourceContext } from './source.ts';

type Tree = Pick<SourceContext, 'root' | 'etc'>;

/**
 * The extension images that systemd lays over `/usr`, `/opt` and `/etc` at boot, with a problem for each
 * that may hold units: berth reads none of them. Those in `/run` are gone at the next boot.
 *
 * Source: systemd-sysext(8), "Description".
 */
export function extensionProblems(tree: Tree): readonly Problem[] {
  const sysexts = [
    `${tree.etc}/extensions`,
    '/var/lib/extensions',
    '/usr/local/lib/extensions',
    '/usr/lib/extensions',
  ];
  const confexts = ['/var/lib/confexts', '/usr/local/lib/confexts', '/usr/lib/confexts'];
  return [...sysexts, ...confexts].flatMap((directory) =>
    entriesOf(directory, tree).flatMap((name) => problemsOf(`${directory}/${name}`, tree)),
  );
}

/** The directories of an extension that hold units. */
const unitDirectories = [
  'etc/containers/systemd',
  'etc/systemd/system',
  'etc/systemd/user',
  'usr/lib/systemd/system',
  'usr/lib/systemd/user',
  'usr/local/lib/systemd/system',
  'usr/share/containers/systemd',
  'usr/share/containers/systemd.user',
];

function entriesOf(directory: string, { root, etc }: Tree): readonly string[] {
  try {
    const place = followed(root, etc, directory);
    return (root.list(place) ?? []).map(({ name }) => name).filter((name) => !name.startsWith('.'));
  } catch (error) {
    // What others may write is no part of the OS, and a directory that is none holds no extension.
    if (error instanceof RootError) return [];
    throw error;
  }
}

function problemsOf(path: string, { root, etc }: Tree): readonly Problem[] {
  // A directory NAME.v holds versions of one extension.
  if (path.endsWith('.raw') || path.endsWith('.v')) return [unread(path)];
  try {
    const place = followed(root, etc, path);
    if (root.lookup(place)?.kind !== 'directory') return [];
    const holdsUnits = unitDirectories.some(
      (directory) => (root.list(`${place}/${directory}`) ?? []).length > 0,
    );
    return holdsUnits ? [unread(path)] : [];
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return [problemOf(error)];
  }
}

function unread(path: string): Problem {
  return {
    code: 'extension',
    path,
    message: `expected no units in extension images, found ${displayPath(path)}, which systemd may lay over the root at boot; its units are not read`,
    hint: 'name the images of its units in a list in /usr/lib/berth/images.d',
  };
}
