import { BerthError } from '../common/errors.ts';
import { type OpenImage, readBootc } from './bootc.ts';
import type { Deployment, Deployments } from './deployment.ts';
import { type DirectoriesConfig, readDirectories } from './directories.ts';
import { readBootedOstree, readOstree } from './ostree.ts';
import { type Places, runningSystem } from './places.ts';

export interface ReadOptions {
  readonly directories: DirectoriesConfig | undefined;
  readonly places?: Places;
  readonly environment?: NodeJS.ProcessEnv;
  /** Opens an OS image, `image:NAME@DIGEST`: for a deployment that has no tree on disk. */
  readonly openImage?: OpenImage;
}

/**
 * Asks every updater which roots live. On a bootc host on ostree both see the same deployments:
 * the sysroot on disk says how they are read, bootc what they were made from and
 * how they stand: it calls a rollback what ostree takes for an update, if one is queued.
 */
export async function readDeployments(options: ReadOptions): Promise<Deployments> {
  const failures: BerthError[] = [];
  const [ostree, bootc, listed] = readers(options);
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

/**
 * The deployment that runs, by the first updater that knows one; early at boot too, so no more are
 * asked than need be.
 *
 * @returns undefined where no updater is found.
 * @throws {BerthError} `deployments` if one is there and can't tell.
 */
export async function readBooted(options: ReadOptions): Promise<Deployment | undefined> {
  const { places = runningSystem } = options;
  const ostree = readBootedOstree(places);
  if (ostree !== undefined) return ostree;
  const [, ...others] = readers(options);
  for (const read of others) {
    const booted = (await read())?.find(({ role }) => role === 'booted');
    if (booted !== undefined) return booted;
  }
  return undefined;
}

type Reader = () => Promise<readonly Deployment[] | undefined>;

function readers({
  directories,
  places = runningSystem,
  environment = process.env,
  openImage,
}: ReadOptions): readonly [Reader, Reader, Reader] {
  return [
    async () => readOstree(places),
    () => readBootc(places, environment, openImage),
    async () => (directories === undefined ? undefined : readDirectories(directories)),
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
