import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseBy } from '../../../common/check-by.ts';
import { systemErrorCode } from '../../../common/errors.ts';
import { EngineError } from '../../errors.ts';
import type { PodmanApi } from '../api/api.ts';
import { listedContainer, podList, volumeList } from '../api/replies.ts';
import type { Settings } from '../api/settings.ts';
import { listPods, type Moorings } from './holds.ts';

/** The default of containers.conf(5). */
const DEFAULT_LOCKS = 2048;

/** podman rounds the number of locks up to a multiple of this: libpod/lock/shm/shm_lock.c. */
const LOCKS_IN_A_WORD = 32;

const Engine = v.object({
  engine: v.optional(
    v.object({ num_locks: v.optional(v.number()), lock_type: v.optional(v.string()) }),
    {},
  ),
});

/**
 * Why podman has not enough locks for this many more pins of a root: each pin takes one, and so does the
 * pod of the root's pins. podman is asked each time, because every container, pod and volume takes a lock
 * too.
 *
 * @param environment where podman before 4.6 finds its configuration.
 */
export async function roomFor(
  moorings: Pick<Moorings, 'api' | 'keeper'>,
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  root: string,
  pins: number,
): Promise<EngineError | undefined> {
  if (pins === 0) return undefined;
  const [free, pods] = await Promise.all([
    freeLocks(moorings.api, settings, environment),
    listPods(moorings, root),
  ]);
  const needed = pins + (pods.length > 0 ? 0 : 1);
  if (free === undefined || needed <= free) return undefined;
  return new EngineError(
    'no-locks',
    `pinning ${root} needs ${needed} of podman's locks, one for each image that is to be pinned and one for its pod, and ${free} are free`,
    {
      hint: 'release roots, remove containers, pods and volumes that nobody needs, or raise num_locks in containers.conf and run `podman system renumber`',
    },
  );
}

/** Undefined if there is no limit, or if it is unknown. */
async function freeLocks(
  api: PodmanApi,
  settings: Settings,
  environment: NodeJS.ProcessEnv,
): Promise<number | undefined> {
  const { host } = await settings.recent();
  if (typeof host.freeLocks === 'number') return (await settings.now()).host.freeLocks ?? undefined;
  return countFreeLocks(api, environment, host.security.rootless);
}

/**
 * Counts the free locks of a podman before 4.6, which does not report them: every container, pod and volume
 * has one.
 *
 * @returns undefined if locks are files, whose number has no limit.
 */
async function countFreeLocks(
  api: PodmanApi,
  environment: NodeJS.ProcessEnv,
  rootless: boolean,
): Promise<number | undefined> {
  const all = await configuredLocks(environment, rootless);
  if (all === undefined) return undefined;
  const list = (path: string) => ({ method: 'GET', path, query: { all: 'true' } }) as const;
  const [containers, pods, volumes] = await Promise.all([
    api.list(listedContainer, list('/containers/json')),
    api.json(podList, list('/pods/json')),
    api.json(volumeList, list('/volumes/json')),
  ]);
  return Math.max(0, all - containers.length - pods.length - (volumes?.length ?? 0));
}

async function configuredLocks(
  environment: NodeJS.ProcessEnv,
  rootless: boolean,
): Promise<number | undefined> {
  const { parse } = await import('smol-toml');
  let locks = DEFAULT_LOCKS;
  let type: string | undefined;
  for (const path of configurations(environment, rootless)) {
    const text = read(path);
    if (text === undefined) continue;
    // If podman can't read the file either, podman reports that more clearly.
    const { engine } = parseBy(
      v.fallback(Engine, { engine: {} }),
      quietly(() => parse(text)),
    );
    locks = engine.num_locks ?? locks;
    type = engine.lock_type ?? type;
  }
  return type === 'file' ? undefined : Math.ceil(locks / LOCKS_IN_A_WORD) * LOCKS_IN_A_WORD;
}

/** The configuration files of containers.conf(5); later files override earlier ones. */
function configurations(environment: NodeJS.ProcessEnv, rootless: boolean): readonly string[] {
  const alone = environment['CONTAINERS_CONF'];
  if (alone) return [alone];
  const system = ['/usr/share/containers/containers.conf', '/etc/containers/containers.conf'];
  const own = rootless ? ownConfiguration(environment) : [];
  return [...system, ...own].flatMap((path) => [path, ...dropIns(`${path}.d`)]);
}

/** None without a home: root reads no file of another user. */
function ownConfiguration({ XDG_CONFIG_HOME, HOME }: NodeJS.ProcessEnv): readonly string[] {
  const directory = XDG_CONFIG_HOME ?? (HOME === undefined ? undefined : join(HOME, '.config'));
  return directory === undefined ? [] : [join(directory, 'containers/containers.conf')];
}

function dropIns(directory: string): readonly string[] {
  const names = quietly(() => readdirSync(directory)) ?? [];
  return names
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => join(directory, name));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
