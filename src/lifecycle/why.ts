import type { BoundReference } from '../binding/survey.ts';
import type { EngineImage } from '../engine/engine.ts';
import type { Pin } from '../engine/pin.ts';
import type { RecordReference } from '../state/record.ts';
import type { Situation } from './situation.ts';

/** Who names an image, and who holds it. */
export interface Why {
  readonly image: string;
  /** References of the root that was asked about. */
  readonly references: readonly BoundReference[];
  /** Staged roots that want it, with the references on record. */
  readonly roots: readonly WhyRoot[];
  readonly present: EngineImage | undefined;
  readonly pins: readonly Pin[];
}

export interface WhyRoot {
  readonly id: string;
  readonly digest: string;
  readonly references: readonly RecordReference[];
}

/** @param image a full name, or an id of the engine's or the start of one. */
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
        roots.push({ id: record.id, digest: served.digest, references: served.references });
      }
    }
  }
  for (const record of situation.records.values()) {
    for (const { name, id, digest, references } of record.staged?.provided ?? []) {
      if (name !== image && !isIdOf(image, id) && !isIdOf(image, digest)) continue;
      roots.push({ id: record.id, digest, references });
    }
  }
  const present = [...situation.images.values()].find(
    ({ id, names, digests }) =>
      names.includes(image) || digests.includes(image) || isIdOf(image, id),
  );
  if (present !== undefined) ids.add(present.id);
  return {
    image,
    references: references.filter((reference) => reference.image === image),
    roots,
    present,
    pins: situation.pins.filter((pin) => ids.has(pin.id)),
  };
}

function isIdOf(text: string, id: string): boolean {
  const hex = text.replace(/^sha256:/, '');
  return /^[0-9a-f]{12,64}$/.test(hex) && id.startsWith(`sha256:${hex}`);
}
