import type { Deployments } from '../deployment/deployment.ts';
import type { Config } from './config.ts';

/** Which roots live, by the updaters of this host. */
export async function deploymentsOf(_config: Config): Promise<Deployments> {
  return { deployments: [], failures: [] };
}
