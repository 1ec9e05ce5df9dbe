import { statSync } from 'node:fs';
import type { CommonOptions } from '../cli/options.ts';
import { hostConfig } from '../cli/surroundings.ts';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import type { Deployment, DeploymentName, Deployments } from '../deployment/deployment.ts';
import type { ReadOptions } from '../deployment/read.ts';

export type HostOptions = Pick<CommonOptions, 'user' | 'config' | 'stateDir'>;

/** Which roots live, by the updaters of this host. */
export async function deploymentsOf(options: HostOptions): Promise<Deployments> {
  const { readDeployments } = await import('../deployment/read.ts');
  return readDeployments(await readOptionsOf(options));
}

/** The root that runs, where an updater knows it. */
export async function bootedDeployment(options: HostOptions): Promise<Deployment | undefined> {
  const { readBooted } = await import('../deployment/read.ts');
  return readBooted(await readOptionsOf(options));
}

async function readOptionsOf(options: HostOptions): Promise<ReadOptions> {
  const { directories } = await hostConfig(options);
  const openImage = async (spec: string) => {
    const { openHostImage } = await import('./os-image.ts');
    return openHostImage(spec, options);
  };
  return { directories, openImage };
}

/**
 * The deployment of a name.
 *
 * @throws {BerthError} `no-deployment`, or what kept an updater from telling.
 */
export async function deploymentCalled(
  name: DeploymentName,
  options: HostOptions,
): Promise<Deployment> {
  const { deployments, failures } = await deploymentsOf(options);
  const found = deployments.find(({ role }) => role === name);
  if (found !== undefined) return found;
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  const known = deployments.map(({ role, id }) => `${role} (${id})`).join(', ');
  throw new BerthError(
    'no-deployment',
    deployments.length === 0
      ? `no updater of this host was found, so nothing is ${name}`
      : `no deployment of this host is ${name}; there are ${known}`,
    { hint: `give the directory of a tree (a directory of that name is ./${name})`, kind: 'usage' },
  );
}

/** The deployment whose tree a location leads to, by whatever mount; the running one is at `/`. */
export async function deploymentAt(
  location: string,
  options: HostOptions,
): Promise<Deployment | undefined> {
  if (!location.startsWith('/')) return undefined;
  const { deployments } = await deploymentsOf(options);
  const place = placeOf(location);
  return deployments.find(
    (deployment) =>
      deployment.location === location ||
      (deployment.role === 'booted' && location === '/') ||
      (place !== undefined && placeOf(deployment.location) === place),
  );
}

/** Device and inode. */
function placeOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Whether a location can be an ostree deployment, whose own directory is not all that it will be. */
export function isCheckout(location: string): boolean {
  return /\/ostree\/deploy\/[^/]+\/deploy\/[0-9a-f]{64}\.\d+$/.test(location);
}
