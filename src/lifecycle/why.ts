import type { BoundReference } from '../binding/survey.ts';
import type { EngineId } from '../common/engine-id.ts';
import type { EngineImage } from '../engine/engine.ts';
import type { Pin } from '../engine/pin.ts';
import { repositoryOf } from '../image/name.ts';
import type { RecordProvided, RecordReference } from '../state/record.ts';
import { isCalled, isIdOf } from './called.ts';
import { pinsIn, type Situation } from './situation.ts';

/** The answer of `berth why`: the references, roots and pins of one image. */
export interface Why {
  readonly image: string;
  /** The references to the image in the root that was asked about. */
  readonly references: readonly BoundReference[];
  /** The names with another tag or digest that the root has, if it does not name this image. */
  readonly otherTags: readonly string[];
  /** The staged roots that want the image, with the references on record. */
  readonly roots: readonly WhyRoot[];
  /** The image on each engine that has it. */
  readonly present: readonly PresentImage[];
  readonly pins: readonly Pin[];
}

export interface PresentImage extends EngineImage {
  readonly engine: EngineId;
}

/** The store, or the archive, that has an image. */
export type ProvidedFrom = Pick<RecordProvided, 'directory' | 'archive'>;

export interface WhyRoot {
  readonly id: string;
  readonly engine: EngineId;
  readonly digest: string;
  readonly references: readonly RecordReference[];
  /** Set if berth need not fetch the image, because podman finds it elsewhere. */
  readonly provided?: ProvidedFrom;
}

/** @param image a full name, or an image id of the engine or the start of such an id. */
export function whyOf(
  image: string,
  references: readonly BoundReference[],
  situation: Situation,
): Why {
  const roots: WhyRoot[] = [];
  const ids = new Set<string>();
  for (const record of situation.records.values()) {
    for (const wanted of record.staged?.images ?? []) {
      for (const served of wanted.names) {
        if (served.name !== image && !isIdOf(image, wanted.id) && !isIdOf(image, served.digest)) {
          continue;
        }
        ids.add(wanted.id);
        const { digest, references } = served;
        roots.push({ id: record.id, engine: wanted.engine, digest, references });
      }
    }
  }
  for (const record of situation.records.values()) {
    for (const provided of record.staged?.provided ?? []) {
      const { engine, name, id, digest, references, directory, archive } = provided;
      if (name !== image && !isIdOf(image, id) && !isIdOf(image, digest)) continue;
      const from = { directory, ...(archive === undefined ? {} : { archive }) };
      roots.push({ id: record.id, engine, digest, references, provided: from });
    }
  }
  const present = [...situation.engines.values()].flatMap(({ engine, images }) =>
    [...images.values()]
      .filter((one) => isCalled(one, image))
      .map((one): PresentImage => ({ ...one, engine: engine.id })),
  );
  for (const { id } of present) ids.add(id);
  const naming = references.filter((reference) => reference.image === image);
  return {
    image,
    references: naming,
    otherTags: naming.length === 0 ? otherTags(image, references) : [],
    roots,
    present,
    pins: pinsIn(situation).filter((pin) => ids.has(pin.id)),
  };
}

function otherTags(image: string, references: readonly BoundReference[]): readonly string[] {
  const repository = repositoryOf(image);
  const names = references.flatMap((reference) => reference.image ?? []);
  return [...new Set(names.filter((name) => repositoryOf(name) === repository))].sort();
}
