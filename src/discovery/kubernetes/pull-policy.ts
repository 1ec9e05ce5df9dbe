import type { PullPolicy } from '../reference.ts';

/** The program that runs a manifest; `cluster` is Kubernetes, to which a file is applied. */
export type Player = 'podman' | 'kubelet' | 'cluster';

/**
 * The pull policy of `imagePullPolicy`, or its default. podman ignores case and also takes its own
 * policies, `missing` and `newer`.
 *
 * Source: for podman `pullImageWithPolicy` in pkg/domain/infra/abi/play.go, for the kubelet
 * `SetDefaults_Container` in pkg/apis/core/v1/defaults.go.
 *
 * @returns undefined if the player refuses the policy.
 */
export function pullPolicy(
  player: Player,
  written: string | undefined,
  image: string,
): PullPolicy | undefined {
  if (written === undefined || written === '') return defaultPolicy(player, image);
  switch (player === 'podman' ? written.toLowerCase() : written) {
    case player === 'podman' ? 'always' : 'Always':
      return 'always';
    case player === 'podman' ? 'ifnotpresent' : 'IfNotPresent':
      return 'missing';
    case player === 'podman' ? 'never' : 'Never':
      return 'never';
    case 'missing':
      return player === 'podman' ? 'missing' : undefined;
    case 'newer':
      return player === 'podman' ? 'newer' : undefined;
    default:
      return undefined;
  }
}

function defaultPolicy(player: Player, image: string): PullPolicy {
  const at = image.indexOf('@');
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (player !== 'podman') {
    return tag === 'latest' || (tag === undefined && at < 0) ? 'always' : 'missing';
  }
  // For podman a digest does not count as a tag; for short names the tag does not matter.
  return isFull(named) && (tag ?? 'latest') === 'latest' ? 'newer' : 'missing';
}

/** Whether a name is complete, as engines print it: `docker.io/library/nginx`. */
function isFull(name: string): boolean {
  const [registry = '', ...path] = name.split('/');
  if (path.length === 0 || registry === 'index.docker.io') return false;
  if (registry === 'docker.io') return path.length > 1;
  return /[.:]/.test(registry) || registry === 'localhost';
}
