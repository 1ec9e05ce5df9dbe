import { type EngineId, engineParts } from '../../common/engine-id.ts';
import { dockerShortNames, type ShortNames } from '../../image/short-names.ts';

/**
 * The meaning of names without a registry to an engine. podman and CRI-O read registries.conf; docker and
 * containerd don't.
 */
export function shortNamesOf(engine: EngineId | undefined, ofRoot: ShortNames): ShortNames {
  if (engine === undefined) return ofRoot;
  const { kind } = engineParts(engine);
  return kind === 'docker' || kind === 'containerd' ? dockerShortNames : ofRoot;
}
