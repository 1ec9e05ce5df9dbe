import { type EngineId, engineParts } from '../../common/engine-id.ts';
import { dockerShortNames, type ShortNames, withoutRemembered } from '../../image/short-names.ts';

/**
 * The meaning of names without a registry to an engine. podman and CRI-O read registries.conf; docker and
 * containerd don't.
 */
export function shortNamesOf(engine: EngineId | undefined, ofRoot: ShortNames): ShortNames {
  if (engine === undefined) return ofRoot;
  const { kind, user } = engineParts(engine);
  // A user's podman does not see the aliases that root's podman remembers.
  if (kind === 'podman' && user !== undefined) return withoutRemembered(ofRoot);
  return kind === 'docker' || kind === 'containerd' ? dockerShortNames : ofRoot;
}
