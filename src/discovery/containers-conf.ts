import { displayPath } from '../common/path-bytes.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Etc, followed, whereInTree } from '../systemd/etc.ts';
import type { Problem } from './problem.ts';
import { pullPolicyOf } from './pull-policies.ts';
import type { PullPolicy } from './reference.ts';

/** The settings of files of containers.conf that change what podman pulls, and where it runs containers. */
export interface EngineSettings {
  /** The image of the first container of each pod; podman makes one itself by default. */
  readonly infraImage?: Setting;
  /** The policy of `podman run` and `podman create` without `--pull`. */
  readonly pullPolicy?: Setting & { readonly policy: PullPolicy };
  /** A policy that podman refuses, unless a later file has another. */
  readonly badPolicy?: Setting | undefined;
  /** Why podman does not start with a file. */
  readonly fault?: Problem;
  /** The file with `remote = true`: podman then asks another podman. */
  readonly remotePath?: string | undefined;
  /** The programs that `podman compose` tries, in this order. */
  readonly composeProviders?: readonly string[];
}

/** A root's containers.conf. */
export interface ContainersConf extends EngineSettings {
  /** The modules in the root's directories of modules, by path. */
  readonly modules?: ReadonlyMap<string, EngineSettings>;
  /** The file over all others, modules included, that the environment of one podman names. */
  readonly override?: EngineSettings;
  /** Why the configuration may be incomplete. */
  readonly problem?: Problem;
}

/** A setting with its place. */
export interface Setting {
  readonly value: string;
  readonly path: string;
  /** The line of the key, 1-based. */
  readonly line: number;
}

/**
 * Reads the containers.conf of a root, the distribution's file first; later files override single
 * keys. Files in homes are not read.
 *
 * Source: containers.conf(5); containers/common, pkg/config/new.go, `systemConfigs`.
 */
export async function readContainersConf(root: Root, etc: Etc): Promise<ContainersConf> {
  try {
    const files = await parsed(root, etc, filesOf(root, etc));
    const inModules = await parsed(root, etc, moduleFiles(root, etc));
    const modules = new Map(inModules.map(({ path, settings }) => [path, settings]));
    const { fault, ...settings } = files.reduce<EngineSettings>(
      (merged, file) => ({ ...merged, ...file.settings }),
      {},
    );
    const problem = fault ?? faultOf(settings);
    return {
      ...settings,
      ...(modules.size === 0 ? {} : { modules }),
      ...(problem === undefined ? {} : { problem }),
    };
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return { problem: problemOf(error) };
  }
}

/**
 * The settings of a file that stands in place of the others, or over them.
 *
 * @param path as the booted root has it.
 */
export async function settingsOfFile(root: Root, etc: Etc, path: string): Promise<EngineSettings> {
  const [file] = await parsed(root, etc, [path]);
  return file?.settings ?? {};
}

/**
 * The settings of a podman that is started with modules, which override the other files.
 *
 * @param names the values of `--module`, in their order.
 */
export function withModules(
  conf: ContainersConf | undefined,
  names: readonly string[],
): EngineSettings {
  const { modules, override, ...settings } = conf ?? {};
  const merged = names.reduce<EngineSettings>((before, name) => {
    const path = modulePaths(name).find((place) => modules?.has(place));
    return path === undefined ? before : { ...before, ...modules?.get(path) };
  }, settings);
  return override === undefined ? merged : { ...merged, ...override };
}

/** The modules that options of podman name, in their order. */
export function modulesIn(options: readonly NamedOption[]): readonly string[] {
  return options.flatMap(({ name, value }) => (name === 'module' && value ? [value.text] : []));
}

interface NamedOption {
  readonly name: string;
  readonly value?: { readonly text: string } | undefined;
}

/** Why podman does not start with the settings of all its files together. */
export function faultOf({ fault, badPolicy }: EngineSettings): Problem | undefined {
  return fault ?? (badPolicy && refused(badPolicy, 'pull_policy'));
}

/** Where podman looks for a module, as the booted root has it. */
export function modulePaths(name: string): readonly string[] {
  return name.startsWith('/') ? [name] : places.map((place) => `${place}/${name}`);
}

const places = [
  '/etc/containers/containers.conf.modules',
  '/usr/share/containers/containers.conf.modules',
];

interface Parsed {
  readonly path: string;
  readonly settings: EngineSettings;
}

async function parsed(root: Root, etc: Etc, paths: readonly string[]): Promise<readonly Parsed[]> {
  const all: Parsed[] = [];
  for (const path of paths) {
    const inTree = whereInTree(etc, path);
    const text = root.readFile(followed(root, etc, inTree))?.content.toString('utf8');
    if (text === undefined) continue;
    const { parse, TomlError } = await import('smol-toml');
    try {
      all.push({
        path,
        settings: settingsIn(tableOf(tableOf(parse(text))['engine']), inTree, text),
      });
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      all.push({ path, settings: { fault: malformed(inTree, error.line, error.message) } });
    }
  }
  return all;
}

function filesOf(root: Root, etc: Etc): readonly string[] {
  const dropIns = (root.list(followed(root, etc, `${etc}/containers/containers.conf.d`)) ?? [])
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.conf'))
    .sort();
  return [
    '/usr/share/containers/containers.conf',
    '/etc/containers/containers.conf',
    ...dropIns.map((name) => `/etc/containers/containers.conf.d/${name}`),
  ];
}

/** More modules than any host has. */
const maxModules = 1_000;

/** The files in the directories of modules, and in their directories. */
function moduleFiles(root: Root, etc: Etc): readonly string[] {
  const directories = [...places];
  const files: string[] = [];
  // The list grows while it is read.
  for (const directory of directories) {
    const inTree = whereInTree(etc, directory);
    for (const { name, kind } of root.list(followed(root, etc, inTree)) ?? []) {
      if (files.length + directories.length > maxModules) return files;
      if (kind === 'directory') directories.push(`${directory}/${name}`);
      else files.push(`${directory}/${name}`);
    }
  }
  return files;
}

function settingsIn(table: Record<string, unknown>, path: string, text: string): EngineSettings {
  const at = (key: string, value: string): Setting => ({ value, path, line: lineOf(text, key) });
  for (const [key, type] of types) {
    const value = table[key];
    const isRight = type === 'list' ? Array.isArray(value) : typeof value === type;
    if (value !== undefined && !isRight)
      return { fault: refused(at(key, JSON.stringify(value)), key) };
  }
  const { infra_image: infra, pull_policy: word, remote, compose_providers: providers } = table;
  return {
    ...(typeof infra === 'string' ? { infraImage: at('infra_image', infra) } : {}),
    ...(typeof word === 'string' ? policyAt(at('pull_policy', word)) : {}),
    ...(remote === undefined ? {} : { remotePath: remote === true ? path : undefined }),
    ...(Array.isArray(providers)
      ? { composeProviders: providers.filter((one) => typeof one === 'string') }
      : {}),
  };
}

function policyAt(setting: Setting): EngineSettings {
  const policy = setting.value === '' ? 'missing' : pullPolicyOf(setting.value);
  if (policy === undefined) return { badPolicy: setting };
  return { pullPolicy: { ...setting, policy }, badPolicy: undefined };
}

/** The keys that are read; podman refuses a file in which one has another type. */
const types = [
  ['infra_image', 'string'],
  ['pull_policy', 'string'],
  ['remote', 'boolean'],
  ['active_service', 'string'],
  ['compose_providers', 'list'],
] as const;

function lineOf(text: string, key: string): number {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.trimStart().startsWith(key));
  return Math.max(0, at) + 1;
}

function tableOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function malformed(path: string, line: number | undefined, message: string): Problem {
  return {
    code: 'storage-conf',
    path,
    ...(line === undefined ? {} : { line }),
    message: `expected TOML in ${displayPath(path)}, found an error: ${message.split('\n', 1)[0]}`,
    hint: 'correct the file: podman does not start with it as it is',
  };
}

function refused({ value, path, line }: Setting, key: string): Problem {
  return {
    code: 'storage-conf',
    path,
    line,
    message: `expected a value of ${key} that podman takes in ${displayPath(path)}, found ${JSON.stringify(value.slice(0, 100))}`,
    hint: 'correct the file: podman does not start with it as it is',
  };
}
