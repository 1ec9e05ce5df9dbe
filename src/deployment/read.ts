import { BerthError } from '../common/errors.ts';
import { once } from '../common/once.ts';
import { type OpenImage, readBootc } from './bootc.ts';
import type { Deployment, Deployments } from './deployment.ts';
import { type DirectoriesConfig, readDirectories } from './directories.ts';
import { readBootedOstree, readOstree } from './ostree.ts';
import { type Places, runningSystem } from './places.ts';

export interface ReadOptions {
  readonly directories: DirectoriesConfig | undefined;
  readonly places?: Places;
  /** The environment with `PATH` and `BERTH_BOOTC_STATUS`. */
  readonly environment: NodeJS.ProcessEnv;
  /** Opens an OS image, `image:NAME@DIGEST`, for a deployment that has no tree on disk. */
  readonly openImage?: OpenImage;
}

/** The updaters of a system, each of which is asked at most once. */
export interface Updaters {
  /**
   * Which roots live, by all updaters. On a bootc host on ostree both see the same deployments: the
   * sysroot on disk says how they are read, bootc what they were made from and how they stand, since
   * bootc calls a rollback what ostree takes for an update, if one is queued.
   */
  readonly all: () => Promise<Deployments>;
  /**
   * The deployment that runs, by the first updater that knows one. Asked early at boot too, so the
   * search asks no more updaters than it needs.
   *
   * @returns undefined where no updater is found.
   * @throws {BerthError} `deployments` if one is there and can't tell.
   */
  readonly booted: () => Promise<Deployment | undefined>;
}

export function openUpdaters(options: ReadOptions): Updaters {
  const readers = readersOf(options);
  return {
    all: once(() => readAll(readers)),
    booted: once(() => readBooted(options.places ?? runningSystem, readers)),
  };
}

async function readAll([ostree, bootc, listed]: Readers): Promise<Deployments> {
  const failures: BerthError[] = [];
  const asked = async (read: Reader): Promise<readonly Deployment[]> => {
    try {
      return (await read()) ?? [];
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      failures.push(error);
      return [];
    }
  };
  const onDisk = await asked(ostree);
  // Only the sysroot tells how to read a tree on disk. Without it bootc's answer would be a guess.
  const both = failures.length > 0 ? [] : merged(onDisk, await asked(bootc));
  return { deployments: [...both, ...(await asked(listed))], failures };
}

async function readBooted(places: Places, [, ...others]: Readers): Promise<Deployment | undefined> {
  const ostree = readBootedOstree(places);
  if (ostree !== undefined) return ostree;
  for (const read of others) {
    const booted = (await read())?.find(({ role }) => role === 'booted');
    if (booted !== undefined) return booted;
  }
  return undefined;
}

type Reader = () => Promise<readonly Deployment[] | undefined>;

type Readers = readonly [ostree: Reader, bootc: Reader, directories: Reader];

function readersOf({
  directories,
  places = runningSystem,
  environment,
  openImage,
}: ReadOptions): Readers {
  return [
    once(async () => readOstree(places)),
    once(() => readBootc(places, environment, openImage)),
    once(async () => (directories === undefined ? undefined : readDirectories(directories))),
  ];
}

function merged(
  ostree: readonly Deployment[],
  bootc: readonly Deployment[],
): readonly Deployment[] {
  // Matched by location: ids may be the same in two stateroots, and bootc knows only one of them.
  const known = new Map(bootc.map((deployment) => [deployment.location, deployment]));
  const both = ostree.map((deployment): Deployment => {
    const told = known.get(deployment.location);
    if (told === undefined) return deployment;
    const { updater, role, image = deployment.image, version } = told;
    return {
      ...deployment,
      updater,
      role,
      ...(image === undefined ? {} : { image }),
      ...(version === undefined ? {} : { version }),
    };
  });
  const seen = new Set(ostree.map(({ location }) => location));
  return [...both, ...bootc.filter(({ location }) => !seen.has(location))];
}
