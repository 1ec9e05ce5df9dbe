import { displayPath } from '../common/path-bytes.ts';
import { problemOf } from '../root/problem-of.ts';
import { RootError } from '../root/root.ts';
import { configurationPlaces, systemPlaces } from '../systemd/at-boot/extensions.ts';
import { followed } from '../systemd/etc.ts';
import type { Problem } from './problem.ts';
import type { SourceContext } from './source.ts';

type Tree = Pick<SourceContext, 'root' | 'etc' | 'extensions'>;

/**
 * The extensions that systemd may lay over `/usr` and `/etc` at boot, with a problem for each that may hold
 * units which are not read: images in files, and directories that do not fit the root.
 *
 * Source: systemd-sysext(8), "Description".
 */
export function extensionProblems(tree: Tree): readonly Problem[] {
  const { system = [], configuration = [] } = tree.extensions ?? {};
  const fitting = new Set([...system, ...configuration]);
  return [...systemPlaces(tree.etc), ...inUsr, ...configurationPlaces].flatMap((directory) =>
    entriesOf(directory, tree).flatMap((name) => {
      const path = `${directory}/${name}`;
      // A directory NAME.v holds versions of one extension.
      if (/\.(?:raw|v)$/.test(path)) return [unread(path)];
      if (fitting.has(path)) return [];
      return problemsOf(path, inUsr.includes(directory) ? unread : unfit, tree);
    }),
  );
}

/** Places that systemd 257 does not look into. */
const inUsr: readonly string[] = ['/usr/local/lib/extensions', '/usr/lib/extensions'];

/** The directories of an extension that hold units. */
const unitDirectories = [
  'etc/containers/systemd',
  'etc/systemd/system',
  'usr/lib/systemd/system',
  'usr/local/lib/systemd/system',
  'usr/share/containers/systemd',
  'etc/systemd/user',
  'usr/lib/systemd/user',
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

function problemsOf(
  path: string,
  problem: (path: string) => Problem,
  { root, etc }: Tree,
): readonly Problem[] {
  try {
    const place = followed(root, etc, path);
    if (root.lookup(place)?.kind !== 'directory') return [];
    const holdsUnits = unitDirectories.some(
      (directory) => (root.list(`${place}/${directory}`) ?? []).length > 0,
    );
    return holdsUnits ? [problem(path)] : [];
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return [problemOf(error)];
  }
}

function unread(path: string): Problem {
  return {
    code: 'extension',
    path,
    message: `expected an extension whose units can be read, found ${displayPath(path)}, which systemd may lay over the root at boot: its units are not read`,
    hint: 'name the images of its units in a list in /usr/lib/berth/images.d',
  };
}

function unfit(path: string): Problem {
  return {
    code: 'extension',
    path,
    message: `expected a release file that fits the os-release of the root, found none in ${displayPath(path)}: systemd does not lay the extension over the root, and its units start nowhere`,
    hint: 'correct its extension-release.NAME, or remove the extension',
  };
}
