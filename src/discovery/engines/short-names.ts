import { type EngineId, engineParts } from '../../common/engine-id.ts';
import { dockerShortNames, type ShortNames, withoutRemembered } from '../../image/short-names.ts';
import type { ReadShortNames } from '../source.ts';

/** The short names of a root's files, for one engine. */
interface NamesContext {
  readonly shortNames: ShortNames;
  readonly shortNamesIn?: ReadShortNames | undefined;
}

/**
 * The short names by which an engine runs a unit, also those of a registries.conf that the unit names.
 */
export function namesOnEngine(
  engine: EngineId | undefined,
  { shortNames, shortNamesIn }: NamesContext,
): NamesContext {
  return {
    shortNames: shortNamesOf(engine, shortNames),
    shortNamesIn:
      shortNamesIn &&
      (async (path) => {
        const found = await shortNamesIn(path);
        if ('fault' in found) return found;
        return { shortNames: shortNamesOf(engine, found.shortNames) };
      }),
  };
}

/**
 * The meaning of names without a registry to an engine. podman and CRI-O read registries.conf; docker and
 * containerd don't.
 */
export function shortNamesOf(engine: EngineId | undefined, ofRoot: ShortNames): ShortNames {
  if (engine === undefined) return ofRoot;
  const { kind } = engineParts(engine);
  // No podman sees the aliases that the podman of another user remembers.
  if (kind === 'podman' && engine !== (ofRoot.rememberedBy ?? 'podman'))
    return withoutRemembered(ofRoot);
  return kind === 'docker' || kind === 'containerd' ? dockerShortNames : ofRoot;
}
