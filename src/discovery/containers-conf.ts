import { displayPath } from '../common/path-bytes.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Etc, followed } from '../systemd/etc.ts';
import type { Problem } from './problem.ts';
import { pullPolicies } from './pull-policies.ts';
import type { PullPolicy } from './reference.ts';

/** The settings of a root's containers.conf that change what podman pulls, and where it runs containers. */
export interface ContainersConf {
  /** The image of the first container of each pod; podman makes one itself by default. */
  readonly infraImage?: Setting;
  /** The policy of `podman run` and `podman create` without `--pull`. */
  readonly pullPolicy?: Setting & { readonly policy: PullPolicy };
  /** The file with `remote = true` or `active_service`: podman then asks another podman. */
  readonly remotePath?: string;
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
 * keys. Files in homes are not read. Of modules, which a unit names, store-options.ts reads only
 * whether they lead podman elsewhere.
 *
 * Source: containers.conf(5); containers/common, pkg/config/new.go, `systemConfigs`.
 */
export async function readContainersConf(root: Root, etc: Etc): Promise<ContainersConf> {
  const conf: { -readonly [K in keyof ContainersConf]: ContainersConf[K] } = {};
  try {
    for (const path of filesOf(root, etc)) {
      const text = root.readFile(followed(root, etc, path))?.content.toString('utf8');
      if (text === undefined) continue;
      const { parse, TomlError } = await import('smol-toml');
      try {
        apply(conf, tableOf(tableOf(parse(text))['engine']), path, text);
      } catch (error) {
        if (!(error instanceof TomlError)) throw error;
        conf.problem = malformed(path, error.line, error.message);
      }
    }
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    conf.problem = problemOf(error);
  }
  return conf;
}

function filesOf(root: Root, etc: Etc): readonly string[] {
  const directory = `${etc}/containers/containers.conf.d`;
  const dropIns = (root.list(followed(root, etc, directory)) ?? [])
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.conf'))
    .sort();
  return [
    '/usr/share/containers/containers.conf',
    `${etc}/containers/containers.conf`,
    ...dropIns.map((name) => `${directory}/${name}`),
  ];
}

function apply(
  conf: { -readonly [K in keyof ContainersConf]: ContainersConf[K] },
  {
    infra_image: infra,
    pull_policy: policy,
    remote,
    active_service: service,
  }: Record<string, unknown>,
  path: string,
  text: string,
): void {
  const at = (key: string, value: string): Setting => ({ value, path, line: lineOf(text, key) });
  if (typeof infra === 'string') conf.infraImage = at('infra_image', infra);
  const known = typeof policy === 'string' ? pullPolicies.get(policy) : undefined;
  if (typeof policy === 'string' && known !== undefined) {
    conf.pullPolicy = { ...at('pull_policy', policy), policy: known };
  }
  if (remote === true || (typeof service === 'string' && service !== '')) conf.remotePath = path;
  else if (remote === false) delete conf.remotePath;
}

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
