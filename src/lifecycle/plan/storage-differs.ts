import type { Binding } from '../../binding/bindings.ts';
import type { SurveyProblem } from '../../binding/survey.ts';
import type { Wanted } from '../../binding/wanted.ts';
import type { StorageSettings } from '../../discovery/storage-conf.ts';
import type { EngineInfo } from '../../engine/engine.ts';
import type { RecordProvided } from '../../state/record.ts';
import type { EngineSituation } from '../situation.ts';

/** The problems of a running podman that keeps images where the root's podman will not look. */
export function otherStorage(
  storage: StorageSettings,
  info: EngineInfo,
  bindings: readonly Binding[],
): readonly SurveyProblem[] {
  if (bindings.length === 0) return [];
  return [...otherPlace(storage, info), ...otherLayers(storage, info, bindings)];
}

function otherPlace(
  storage: StorageSettings,
  { graphRoot, driver }: EngineInfo,
): readonly SurveyProblem[] {
  const differs = ([theirs, ours]: readonly [string | undefined, string | undefined]) =>
    theirs !== undefined && ours !== undefined && theirs !== ours;
  const [found] = [
    [storage.graphRoot, graphRoot] as const,
    [storage.driver, driver] as const,
  ].filter(differs);
  if (found === undefined || storage.path === undefined) return [];
  return [
    {
      code: 'storage-differs',
      path: storage.path,
      message: `expected the root's podman to keep images where the running one does (${found[1]}), found ${found[0]}`,
      hint: 'give both systems the same storage.conf',
      bound: true,
    },
  ];
}

/**
 * podman brings no layer that it finds in an additional store: an image that it pulls then has no
 * layers for a podman that does not look there.
 */
function otherLayers(
  storage: StorageSettings,
  { additionalStores = [] }: EngineInfo,
  bindings: readonly Binding[],
): readonly SurveyProblem[] {
  return bindings.flatMap(({ name, stores, references }) => {
    const [place] = references;
    const unseen = additionalStores.find((store) => !stores.every((list) => sees(list, store)));
    if (place === undefined || unseen === undefined) return [];
    return [
      {
        code: 'storage-differs',
        path: place.path,
        line: place.line,
        message: `expected the podman of ${place.unit} to look where the running one does, found that it does not look into ${unseen}: layers of ${name} that lie there are not fetched, and it would lack them`,
        hint: `name ${unseen} in the root's storage.conf too, or take it out of the running system's`,
        bound: true,
      },
    ];
  });

  /** For a unit that podman does not run, the root's storage.conf is all that is known. */
  function sees(list: readonly string[], store: string): boolean {
    return (list.length === 0 ? storage.additionalStores : list).includes(store);
  }
}

/** podman looks into its own store first: what a name means there goes before any other store. */
export function withoutShadowed(
  { bindings, provided }: Pick<Wanted, 'bindings' | 'provided'>,
  situation: EngineSituation,
): { readonly bindings: readonly Binding[]; readonly provided: readonly RecordProvided[] } {
  const isShadowed = provided.map(({ entry }) => shadowOf(entry, situation) !== undefined);
  return {
    bindings: [
      ...bindings,
      ...provided.flatMap(({ binding }, index) => (isShadowed[index] === true ? [binding] : [])),
    ],
    provided: provided.flatMap(({ entry }, index) => (isShadowed[index] === true ? [] : [entry])),
  };
}

/** The image of podman's own store that stands before one of an additional store. */
export function shadowOf(
  { name, id, archive }: RecordProvided,
  { images }: EngineSituation,
): string | undefined {
  // An image that podman takes from an archive replaces that of the same name in its own store.
  if (archive !== undefined) return undefined;
  return [...images.values()].find((image) => image.id !== id && image.names.includes(name))?.id;
}
