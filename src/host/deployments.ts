import { statSync } from 'node:fs';
import { systemErrorCode } from '../common/errors.ts';
import type { Deployment, DeploymentName, Deployments } from '../deployment/deployment.ts';
import type { ReadOptions, Updaters } from '../deployment/read.ts';
import { HostError } from './errors.ts';

/** The deployments of this host. Every updater is asked at most once, except by `anew`. */
export interface HostDeployments {
  readonly all: () => Promise<Deployments>;
  /** Asks every updater again. From then on `all` and `booted` use the new answers. */
  readonly anew: () => Promise<Deployments>;
  /** The running root, if an updater knows it. */
  readonly booted: () => Promise<Deployment | undefined>;
}

/** @param readOptions called before the updaters are asked, so that a command without roots reads nothing. */
export function hostDeployments(readOptions: () => Promise<ReadOptions>): HostDeployments {
  const open = async () => {
    const { openUpdaters } = await import('../deployment/read.ts');
    return openUpdaters(await readOptions());
  };
  let opened: Promise<Updaters> | undefined;
  const updaters = () => (opened ??= open());
  return {
    all: async () => (await updaters()).all(),
    anew: async () => (await (opened = open())).all(),
    booted: async () => (await updaters()).booted(),
  };
}

/**
 * The deployment with a name.
 *
 * @throws {HostError} `no-deployment`; or the error that kept an updater from telling.
 */
export async function deploymentCalled(
  name: DeploymentName,
  host: HostDeployments,
): Promise<Deployment> {
  const { deployments, failures } = await host.all();
  const found = deployments.find(({ role }) => role === name);
  if (found !== undefined) return found;
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  const known = deployments.map(({ role, id }) => `${role} (${id})`).join(', ');
  throw new HostError(
    'no-deployment',
    deployments.length === 0
      ? `no updater of this host was found, and only an updater tells which root is ${name}`
      : `no deployment of this host is ${name}; there are ${known}`,
    `give the directory of a tree (a directory of that name is ./${name})`,
  );
}

/** The deployment with an id, if an updater knows one. */
export async function deploymentWith(
  id: string,
  host: HostDeployments,
): Promise<Deployment | undefined> {
  return (await host.all()).deployments.find((deployment) => deployment.id === id);
}

/** The deployment whose tree is at a location, whatever the mount; the running one is at `/`. */
export async function deploymentAt(
  location: string,
  host: HostDeployments,
): Promise<Deployment | undefined> {
  if (!location.startsWith('/')) return undefined;
  const { deployments } = await host.all();
  const place = deviceAndInode(location);
  return deployments.find(
    (deployment) =>
      deployment.location === location ||
      (deployment.role === 'booted' && location === '/') ||
      (place !== undefined && deviceAndInode(deployment.location) === place),
  );
}

function deviceAndInode(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * Whether an ostree deployment can be at a location: its own directory is not the whole of the booted tree.
 */
export function isCheckout(location: string): boolean {
  return /\/ostree\/deploy\/[^/]+\/deploy\/[0-9a-f]{64}\.\d+$/.test(location);
}
