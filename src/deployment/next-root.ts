import { statSync } from 'node:fs';
import { join } from 'node:path';
import { nextMarker } from './booted-marker.ts';
import type { Deployment } from './deployment.ts';
import { hasNextRoot } from './finalisation.ts';
import type { Places } from './places.ts';

/** The root that a soft reboot enters. */
export interface NextRoot {
  /** The id of the deployment that it is; undefined for any other tree. */
  readonly id: string | undefined;
}

/**
 * The root that is prepared in `/run/nextroot`, by a mount or a link.
 *
 * @returns undefined if none is.
 * @throws {BerthError} `deployments` if ostree's note about it can't be read.
 */
export function nextRootOf(
  places: Places,
  deployments: readonly Pick<Deployment, 'id' | 'location'>[],
): NextRoot | undefined {
  if (!hasNextRoot(places)) return undefined;
  const own = statSync(join(places.run, 'nextroot'), { bigint: true, throwIfNoEntry: false });
  // With composefs the root is not the directory of the deployment.
  const marker = nextMarker(places) ?? own;
  const found = deployments.find(({ location }) => {
    const stats = statSync(location, { bigint: true, throwIfNoEntry: false });
    return stats !== undefined && stats.dev === marker?.dev && stats.ino === marker.ino;
  });
  return { id: found?.id };
}
