import { BerthError } from '../errors.ts';
import { readBootc } from './bootc.ts';
import type { Deployment, Deployments } from './deployment.ts';
import { type DirectoriesConfig, readDirectories } from './directories.ts';
import { readOstree } from './ostree.ts';
import { type Places, runningSystem } from './places.ts';

export interface ReadOptions {
  readonly directories: DirectoriesConfig | undefined;
  readonly places?: Places;
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * Asks every updater which roots live. On a bootc host on ostree both see the same deployments:
 * the sysroot on disk says how they stand, bootc what they were made from.
 */
export async function readDeployments(options: ReadOptions): Promise<Deployments> {
  const failures: BerthError[] = [];
  const [ostree, bootc, listed] = readers(options, 'all');
  const asked = async (read: Reader): Promise<readonly Deployment[]> => {
    try {
      return (await read()) ?? [];
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      failures.push(error);
      return [];
    }
  };
  const both = merged(await asked(ostree), await asked(bootc));
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
  for (const read of readers(options, 'booted')) {
    const booted = (await read())?.find(({ role }) => role === 'booted');
    if (booted !== undefined) return booted;
  }
  return undefined;
}

type Reader = () => Promise<readonly Deployment[] | undefined>;

function readers(
  { directories, places = runningSystem, environment = process.env }: ReadOptions,
  asked: 'all' | 'booted',
): readonly [Reader, Reader, Reader] {
  return [
    async () => readOstree(places, asked),
    () => readBootc(places, environment),
    async () => (directories === undefined ? undefined : readDirectories(directories)),
  ];
}

function merged(
  ostree: readonly Deployment[],
  bootc: readonly Deployment[],
): readonly Deployment[] {
  const known = new Map(bootc.map((deployment) => [deployment.id, deployment]));
  const both = ostree.map((deployment): Deployment => {
    const told = known.get(deployment.id);
    if (told === undefined) return deployment;
    const { updater, image = deployment.image, version } = told;
    return {
      ...deployment,
      updater,
      ...(image === undefined ? {} : { image }),
      ...(version === undefined ? {} : { version }),
    };
  });
  const ids = new Set(ostree.map(({ id }) => id));
  return [...both, ...bootc.filter(({ id }) => !ids.has(id))];
}
