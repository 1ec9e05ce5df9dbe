import { type EngineId, engineParts } from '../common/engine-id.ts';
import { formatPlatform, hostPlatform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { Depot } from './depot.ts';

/**
 * Which images an engine can unpack from its depot: podman only those of the host's platform, other engines
 * all.
 */
export function servesOf(id: EngineId): Depot['serves'] {
  return engineParts(id).kind === 'podman' ? isForHost : () => true;
}

/** Whether the image is for the platform that podman chooses from an index by default. */
export function isForHost({ platform }: ResolvedImage): boolean {
  return platform === formatPlatform(hostPlatform());
}
