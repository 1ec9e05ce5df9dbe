import { type EngineId, engineParts } from '../common/engine-id.ts';
import { isTag } from '../image/name.ts';
import { formatPlatform, hostPlatform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { Depot } from './depot.ts';

/**
 * Which images an engine can unpack from its depot: podman only those of the host's platform, docker those with
 * a tag as long as its store is not known, other engines all.
 */
export function servesOf(id: EngineId): Depot['serves'] {
  const { kind } = engineParts(id);
  if (kind === 'podman') return isForHost;
  return kind === 'docker' ? hasTag : () => true;
}

/** docker's own store knows the digest of an image only if docker has pulled the image from its registry. */
function hasTag({ name }: ResolvedImage): boolean {
  return isTag(name);
}

/** Whether the image is for the platform that podman chooses from an index by default. */
export function isForHost({ platform }: ResolvedImage): boolean {
  return platform === formatPlatform(hostPlatform());
}
