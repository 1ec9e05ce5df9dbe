import { append } from '../common/append.ts';
import { onceFor } from '../common/once-for.ts';
import { type Root, RootError } from '../root/root.ts';
import type { Environment } from '../systemd/environment/environment.ts';
import { type Etc, followed, whereInTree } from '../systemd/etc.ts';
import type { UnitEntry } from '../systemd/unit-file.ts';
import {
  type ContainersConf,
  faultOf,
  modulePaths,
  modulesIn,
  withModules,
} from './containers-conf.ts';
import type { Fault } from './problem.ts';
import type { Option } from './services/split-options.ts';

/** The image stores of one podman command, as its options set them. */
export interface StorageOptions {
  /**
   * The additional stores that the command searches, in order; absent if neither the options nor
   * storage.conf name any.
   */
  readonly additionalStores?: readonly string[];
  readonly faults: readonly Fault[];
}

export interface StorageContext {
  readonly root: Root;
  readonly etc: Etc;
  /** The additional stores that the root's storage.conf names. */
  readonly additionalStores?: readonly string[];
  /** The root's containers.conf. */
  readonly containersConf?: ContainersConf | undefined;
}

/**
 * Reads the options of a podman command that choose its image stores. If additional stores are
 * given as options, those in storage.conf do not count.
 *
 * Source: containers/storage, drivers/overlay/overlay.go (`parseOptions`) and types/options.go;
 * compared with podman 4.3 and 5.4.
 */
export function storageOptions(
  options: readonly Option[],
  context: StorageContext,
): StorageOptions {
  const faults: Fault[] = [];
  let additionalStores: string[] | undefined;
  const { remotePath } = withModules(context.containersConf, []);
  if (remotePath !== undefined) faults.push(otherStorage(`a remote podman in ${remotePath}`));
  for (const { name, value } of options) {
    const isRelevant = otherStorageOptions.has(name) || name === 'storage-opt' || name === 'module';
    if (!isRelevant || value?.text === 'false') continue;
    if (value?.fault !== undefined) faults.push(value.fault);
    else if (otherStorageOptions.has(name)) faults.push(otherStorage(`--${name}`));
    else if (name === 'module') append(faults, moduleFaults(value?.text ?? '', context));
    else {
      const stores = storesIn(value?.text ?? '');
      additionalStores = [...(additionalStores ?? []), ...(stores ?? [])];
      if (stores?.every((path) => path.startsWith('/')) === false) faults.push(relativeStore);
    }
  }
  append(faults, faultsOfModules(modulesIn(options), context));
  const { additionalStores: configured = [] } = context;
  if (additionalStores !== undefined) return { faults, additionalStores };
  return { faults, ...(configured.length === 0 ? {} : { additionalStores: configured }) };
}

/**
 * The faults of variables that make the service's podman use another storage.
 *
 * @param written the `Environment=` of the service, which are searched if its environment is not known.
 * @param more variables that the command line sets.
 */
export function storageVariables(
  environment: Environment,
  written: readonly UnitEntry[],
  more: ReadonlyMap<string, unknown>,
): readonly Fault[] {
  const isSet = (name: string) =>
    more.has(name) ||
    (environment.ok
      ? environment.values.has(name)
      : written.some(({ value }) => value.includes(`${name}=`)));
  return storageNames.filter(isSet).map((name) => otherStorage(`the variable ${name}`));
}

const storageNames = [
  'CONTAINERS_STORAGE_CONF',
  'STORAGE_OPTS',
  'STORAGE_DRIVER',
  'CONTAINER_HOST',
  'CONTAINER_CONNECTION',
];

/** The options with which podman uses another storage, or asks another podman. */
const otherStorageOptions: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'imagestore',
  'remote',
  'root',
  'runroot',
  'storage-driver',
  'url',
]);

/** The stores that a value of `--storage-opt` names; undefined for any other option. */
function storesIn(text: string): readonly string[] | undefined {
  const [, key = '', value = ''] = /^(?:overlay2?\.|vfs\.|\.)?([^=]*)=(.*)$/s.exec(text) ?? [];
  return /^(?:additional)?imagestore$/i.test(key) ? value.split(',') : undefined;
}

/**
 * The faults of `--module`. A module can't add stores: containers.conf has no key for them, and
 * variables that a module puts into podman's environment come too late for the storage (podman
 * 5.4). But a module can lead podman to another storage or another podman.
 */
function moduleFaults(
  name: string,
  { root, etc, containersConf }: StorageContext,
): readonly Fault[] {
  for (const place of modulePaths(name)) {
    const module = moduleAt(place, root, etc);
    if (module === undefined) continue;
    if ('code' in module) return [module];
    const isUnread = name.startsWith('/') && containersConf?.modules?.has(place) !== true;
    if (isUnread && module.setsImages) return [unreadModule(name)];
    return module.setsStorage ? [otherStorage(`the module ${name}`)] : [];
  }
  return [noModule(name)];
}

/** The fault of modules with which podman does not start. */
function faultsOfModules(
  names: readonly string[],
  { containersConf }: StorageContext,
): readonly Fault[] {
  const fault = names.length === 0 ? undefined : faultOf(withModules(containersConf, names));
  if (fault === undefined) return [];
  const { code, message, hint } = fault;
  return [{ code, message, hint }];
}

// For a pattern with `m` a line begins behind each of \n, \r, U+2028 and U+2029. A pattern that goes over them takes the
// square of the time.

/** Lines of a containers.conf with variables that lead podman to another storage, or to another podman. */
export const setsStorage =
  /^[^#\n\r\u2028\u2029]*\b(?:CONTAINERS_STORAGE_CONF|STORAGE_OPTS|STORAGE_DRIVER|CONTAINER_HOST|CONTAINER_CONNECTION)=/m;

const isRemote = /^[^\S\n\r\u2028\u2029]*remote\s*=\s*true/m;

const setsImages = /^[^\S\n\r\u2028\u2029]*(?:infra_image|pull_policy)\s*=/m;

/** What a module does that berth can't follow. */
interface Module {
  readonly setsImages: boolean;
  readonly setsStorage: boolean;
}

/** The modules that were read, by path: many units may name one. */
const modulesOf = onceFor<Root, Map<string, Module | Fault | undefined>>(() => new Map());

/** @returns undefined if nothing is there. */
function moduleAt(path: string, root: Root, etc: Etc): Module | Fault | undefined {
  const known = modulesOf(root);
  if (!known.has(path)) known.set(path, readModule(path, root, etc));
  return known.get(path);
}

function readModule(path: string, root: Root, etc: Etc): Module | Fault | undefined {
  try {
    const file = root.readFile(followed(root, etc, whereInTree(etc, path)));
    if (file === undefined) return undefined;
    const text = file.content.toString();
    return {
      setsImages: setsImages.test(text),
      setsStorage: setsStorage.test(text) || isRemote.test(text),
    };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return { code: error.code, message: error.message, hint: error.hint };
  }
}

/** The fault of a podman whose images berth can't bring. */
export function otherStorage(found: string): Fault {
  return {
    code: 'storage-differs',
    message: `expected a unit that uses podman's own storage, found ${found}, which may select another storage that berth does not fill`,
    hint: 'remove it, or leave the unit unbound',
  };
}

function noModule(name: string): Fault {
  return {
    code: 'cited-file',
    message: `expected the containers.conf module ${name} in the root, found none; podman fails without it`,
    hint: 'ship it in /usr/share/containers/containers.conf.modules, or remove the option',
  };
}

function unreadModule(name: string): Fault {
  return {
    code: 'command-line',
    message: `expected modules in a directory of modules, found ${name}, whose infra_image and pull_policy are not read`,
    hint: 'move it to /usr/share/containers/containers.conf.modules',
  };
}

const relativeStore: Fault = {
  code: 'invalid-option',
  message:
    'expected absolute paths in --storage-opt=additionalimagestore=, found something else; podman fails with it',
  hint: 'write the whole path of the store',
};
