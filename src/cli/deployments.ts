import type { Deployment, Deployments } from '../deployment/deployment.ts';
import { BerthError } from '../errors.ts';
import type { CommonOptions } from './options.ts';
import { hostConfig } from './surroundings.ts';

/** The names by which a command line calls a deployment; a directory of that name is `./staged`. */
const names = ['booted', 'staged', 'rollback'] as const;

export type DeploymentName = (typeof names)[number];

export type HostOptions = Pick<CommonOptions, 'user' | 'config'>;

export function isDeploymentName(spec: string | undefined): spec is DeploymentName {
  return names.some((name) => name === spec);
}

/** Which roots live, by the updaters of this host. */
export async function deploymentsOf(options: HostOptions): Promise<Deployments> {
  const { readDeployments } = await import('../deployment/read.ts');
  return readDeployments({ directories: (await hostConfig(options)).directories });
}

/** The root that runs, where an updater knows it. */
export async function bootedDeployment(options: HostOptions): Promise<Deployment | undefined> {
  const { readBooted } = await import('../deployment/read.ts');
  return readBooted({ directories: (await hostConfig(options)).directories });
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

/** The deployment whose tree lies at a location, the running one also at `/`. */
export async function deploymentAt(
  location: string,
  options: HostOptions,
): Promise<Deployment | undefined> {
  if (!location.startsWith('/')) return undefined;
  const { deployments } = await deploymentsOf(options);
  return deployments.find(
    (deployment) =>
      deployment.location === location || (deployment.role === 'booted' && location === '/'),
  );
}
