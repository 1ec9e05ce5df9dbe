import type { Problem } from '../common/problem.ts';
import type { ShortNames } from '../image/short-names.ts';
import { type Root, RootError } from '../root/root.ts';
import { RegistryError } from './errors.ts';
import type { Fragment, RegistryRule } from './registries-toml.ts';

/** How the running system fetches images according to registries.conf. */
export interface RegistriesConf {
  readonly rules: readonly RegistryRule[];
  /** The helpers that are asked for credentials; if absent or empty, only auth files are read. */
  readonly credentialHelpers?: readonly string[];
}

/**
 * The meaning of names without a registry in a root. A file that can't be read is a problem; the other
 * files still count.
 *
 * @param main the file that `CONTAINERS_REGISTRIES_CONF` names in place of the main file, as the booted
 *   root has it.
 * @param cache the directory of the aliases that podman remembers; root's by default.
 */
export async function readShortNames(
  root: Root,
  main?: string,
  cache = '/var/cache',
): Promise<{
  readonly shortNames: ShortNames;
  readonly problems: readonly Problem<'registries-conf'>[];
}> {
  const problems: Problem<'registries-conf'>[] = [];
  const noteProblem = ({ path, line, message }: Fault) => {
    problems.push({
      code: 'registries-conf',
      path,
      ...(line === undefined ? {} : { line }),
      message,
      hint: 'correct the file: until then, names without a registry may be resolved wrongly',
    });
  };
  const etc = guard(noteProblem, '/etc', () => etcOf(root)) ?? '/etc';
  const files =
    main === undefined
      ? systemFiles(root, etc, noteProblem)
      : [replacing(root, etc, main, noteProblem), ...systemDropIns(root, etc, noteProblem)];
  const fragments = await readFiles(root, files, noteProblem);
  const aliases: Record<string, string> = Object.create(null);
  for (const [name, target] of fragments.flatMap((part) => Object.entries(part.aliases))) {
    if (target === '') delete aliases[name];
    else aliases[name] = target;
  }
  const searchRegistries = fragments.findLast((part) => part.searchRegistries !== undefined);
  const remembered = `${cache}/containers/short-name-aliases.conf`;
  const [memory] = await readFiles(root, [remembered], noteProblem);
  return {
    shortNames: {
      searchRegistries: searchRegistries?.searchRegistries ?? [],
      aliases,
      ...(memory === undefined ? {} : { remembered: memory.aliases }),
    },
    problems,
  };
}

/** The file of `CONTAINERS_REGISTRIES_CONF` in the tree; without it podman fails. */
function replacing(root: Root, etc: string, main: string, onFault: (fault: Fault) => void): string {
  const path = main.startsWith('/etc/') ? etc + main.slice('/etc'.length) : main;
  if (guard(onFault, path, () => root.lookup(path)) === undefined) {
    onFault({ path, message: 'is not there; CONTAINERS_REGISTRIES_CONF names it' });
  }
  return path;
}

/** The paths of the container configuration of the running system and its user. */
export interface HostPaths {
  /** `$CONTAINERS_REGISTRIES_CONF`: a file to read instead of the main file. */
  readonly registriesConf?: string;
  /** `~/.config/containers` */
  readonly userDirectory: string;
}

/** Reads the rules by which the running system fetches images. */
export async function readRegistriesConf(host: Root, paths: HostPaths): Promise<RegistriesConf> {
  const fail = (fault: Fault) => {
    throw unreadable(fault);
  };
  const byPrefix = new Map<string, RegistryRule>();
  const fragments = await readFiles(host, hostFiles(host, paths, fail), fail);
  for (const { rules } of fragments) for (const rule of rules) byPrefix.set(rule.prefix, rule);
  const helpers = fragments.findLast((part) => part.credentialHelpers !== undefined);
  return { rules: [...byPrefix.values()], credentialHelpers: helpers?.credentialHelpers ?? [] };
}

interface Fault {
  readonly path: string;
  readonly line?: number;
  readonly message: string;
}

/** `/usr/etc` in an ostree tree that was never booted, else `/etc`. */
function etcOf(root: Root): string {
  return root.lookup('/etc') === undefined && root.lookup('/usr/etc') ? '/usr/etc' : '/etc';
}

/** Only podman 6 reads this directory; hosts with earlier versions have nothing in it. */
const VENDOR = '/usr/share/containers';

/** The main file, then the drop-ins by name; of two drop-ins with the same name, the one in /etc counts. */
function systemFiles(root: Root, etc: string, onFault: (fault: Fault) => void): readonly string[] {
  const [main] = [`${etc}/containers`, VENDOR]
    .map((directory) => `${directory}/registries.conf`)
    .filter((path) => guard(onFault, path, () => root.lookup(path)) !== undefined);
  return [...(main === undefined ? [] : [main]), ...systemDropIns(root, etc, onFault)];
}

function systemDropIns(root: Root, etc: string, onFault: (fault: Fault) => void) {
  const byName = new Map<string, string>();
  for (const directory of [VENDOR, `${etc}/containers`]) {
    for (const path of dropIns(root, directory, onFault)) {
      byName.set(path.slice(path.lastIndexOf('/') + 1), path);
    }
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

function dropIns(root: Root, directory: string, onFault: (fault: Fault) => void) {
  const path = `${directory}/registries.conf.d`;
  // Engines don't follow a link in this place.
  const isLink = guard(onFault, path, () => root.readLink(path)) !== undefined;
  const entries = isLink ? [] : (guard(onFault, path, () => root.list(path)) ?? []);
  return entries
    .filter(({ name, kind }) => name.endsWith('.conf') && kind !== 'directory')
    .map(({ name }) => `${path}/${name}`);
}

/**
 * The files of the user and the system. By containers-registries.conf.d(5), if the user has a main file,
 * only the user's drop-ins count.
 */
function hostFiles(
  host: Root,
  { registriesConf, userDirectory }: HostPaths,
  onFault: (fault: Fault) => void,
): readonly string[] {
  const own = dropIns(host, userDirectory, onFault);
  if (registriesConf !== undefined) {
    if (guard(onFault, registriesConf, () => host.lookup(registriesConf)) === undefined) {
      onFault({
        path: registriesConf,
        message: 'is not there; CONTAINERS_REGISTRIES_CONF names it',
      });
    }
    return [registriesConf, ...systemDropIns(host, '/etc', onFault), ...own];
  }
  const main = `${userDirectory}/registries.conf`;
  const isOwn = guard(onFault, main, () => host.lookup(main)) !== undefined;
  return isOwn ? [main, ...own] : [...systemFiles(host, '/etc', onFault), ...own];
}

async function readFiles(
  root: Root,
  paths: readonly string[],
  onFault: (fault: Fault) => void,
): Promise<readonly Fragment[]> {
  const fragments: Fragment[] = [];
  for (const path of paths) {
    const content = guard(onFault, path, () => root.readFile(path))?.content;
    if (content === undefined) continue;
    const { parseRegistriesToml } = await import('./registries-toml.ts');
    const kind = /\.d\/[^/]*$/.test(path) ? 'drop-in' : 'main';
    const result = parseRegistriesToml(content.toString('utf8'), kind);
    if ('fragment' in result) fragments.push(result.fragment);
    else onFault({ path, ...result.fault });
  }
  return fragments;
}

/** Calls `read`; a file that can't be read is reported and treated as missing. */
function guard<T>(onFault: (fault: Fault) => void, path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    onFault({ path, message: error.message });
    return undefined;
  }
}

function unreadable({ path, line, message }: Fault): RegistryError {
  const place = line === undefined ? path : `${path}:${line}`;
  return new RegistryError('registry-config', `${place}: ${message}`, {
    hint: 'correct the file; containers-registries.conf(5) says what it may hold',
  });
}
