import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../etc.ts';
import { parseOsRelease, readOsRelease } from '../os-release.ts';

/** The directories that systemd lays over a root at boot, the uppermost first. */
export interface Extensions {
  /** System extensions, which are laid over `/usr`. */
  readonly system: readonly string[];
  /** Configuration extensions, which are laid over `/etc`. */
  readonly configuration: readonly string[];
}

export const noExtensions: Extensions = { system: [], configuration: [] };

/** The places of system extensions, the first one first; those in `/run` are gone at the next boot. */
export function systemPlaces(etc: Etc): readonly string[] {
  return [`${etc}/extensions`, '/var/lib/extensions'];
}

export const configurationPlaces: readonly string[] = [
  '/var/lib/confexts',
  '/usr/local/lib/confexts',
  '/usr/lib/confexts',
];

/**
 * The extensions in directories that fit a root. Images in files (`.raw`) and versions of one extension
 * (`.v`) are not among them.
 *
 * Source: systemd-sysext(8); systemd, src/shared/extension-util.c, `extension_release_validate`.
 *
 * @param architecture the root's architecture in systemd's spelling: `x86-64`.
 */
export function readExtensions(root: Root, etc: Etc, architecture: string): Extensions {
  const found = (places: readonly string[], kind: Kind) =>
    fitting(root, etc, architecture, places, kind);
  return {
    system: found(systemPlaces(etc), system),
    configuration: found(configurationPlaces, configuration),
  };
}

/** What differs between the two kinds of extensions. */
interface Kind {
  /** The directory of the extension's release file. */
  readonly release: string;
  readonly level: 'SYSEXT_LEVEL' | 'CONFEXT_LEVEL';
  readonly scope: 'SYSEXT_SCOPE' | 'CONFEXT_SCOPE';
}

const system: Kind = {
  release: 'usr/lib/extension-release.d',
  level: 'SYSEXT_LEVEL',
  scope: 'SYSEXT_SCOPE',
};
const configuration: Kind = {
  release: 'etc/extension-release.d',
  level: 'CONFEXT_LEVEL',
  scope: 'CONFEXT_SCOPE',
};

function fitting(
  root: Root,
  etc: Etc,
  architecture: string,
  places: readonly string[],
  kind: Kind,
): readonly string[] {
  const paths = new Map<string, string>();
  for (const place of places) {
    for (const name of namesIn(root, followed(root, etc, place))) {
      if (!paths.has(name)) paths.set(name, `${place}/${name}`);
    }
  }
  const fits = Array.from(paths, ([name, path]) => ({ name, path })).filter(({ name, path }) => {
    const release = releaseOf(root, `${followed(root, etc, path)}/${kind.release}`, name);
    return release !== undefined && fitsTo(hostOf(root, etc), release, architecture, kind);
  });
  // systemd stacks extensions by the versions in their names; the last one lies on top.
  return fits.toSorted((a, b) => compareVersions(b.name, a.name)).map(({ path }) => path);
}

function namesIn(root: Root, place: string): readonly string[] {
  try {
    const entries = root.list(place) ?? [];
    return entries
      .filter(({ kind, name }) => kind !== 'file' && !name.startsWith('.'))
      .map(({ name }) => name)
      .filter((name) => !/\.(?:raw|v)$/.test(name));
  } catch (error) {
    // What others may write is no part of the OS, and a file holds no extensions.
    if (error instanceof RootError) return [];
    throw error;
  }
}

type Fields = ReadonlyMap<string, string>;

function releaseOf(root: Root, directory: string, name: string): Fields | undefined {
  try {
    const file = root.readFile(`${directory}/extension-release.${name}`);
    return file && parseOsRelease(file.content.toString());
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}

function hostOf(root: Root, etc: Etc): Fields {
  try {
    return readOsRelease(root, etc) ?? new Map();
  } catch (error) {
    // Units that need os-release have this problem, too.
    if (error instanceof RootError) return new Map();
    throw error;
  }
}

function fitsTo(host: Fields, release: Fields, architecture: string, kind: Kind): boolean {
  const scope = release.get(kind.scope) ?? 'system portable';
  if (!scope.split(/\s+/).includes('system')) return false;
  const machine = release.get('ARCHITECTURE') ?? '';
  if (machine !== '' && machine !== '_any' && machine !== architecture) return false;
  const id = release.get('ID') ?? '';
  if (id === '_any') return true;
  if (id === '' || id !== host.get('ID')) return false;
  const [level, ownLevel] = [host.get(kind.level) ?? '', release.get(kind.level) ?? ''];
  if (level !== '' && ownLevel !== '') return level === ownLevel;
  const version = host.get('VERSION_ID') ?? '';
  // A host that always rolls has no version.
  return version === '' || version === release.get('VERSION_ID');
}

/** Compares numbers in names by their value, as strverscmp(3) mostly does. */
function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** A path of the booted root and, before it, the paths that extensions lay over it. */
export function overlaid(path: string, etc: Etc, extensions: Extensions): readonly string[] {
  const isOfEtc = path.startsWith(`${etc}/`);
  const below = isOfEtc ? `/etc${path.slice(etc.length)}` : path;
  const layers = isOfEtc ? extensions.configuration : extensions.system;
  const isCovered = isOfEtc || path.startsWith('/usr/');
  return isCovered ? [...layers.map((layer) => layer + below), path] : [path];
}
