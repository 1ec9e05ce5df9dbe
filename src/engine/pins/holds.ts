import { isDeepStrictEqual } from 'node:util';
import type { EngineId } from '../../common/engine-id.ts';
import { EngineError } from '../errors.ts';
import type { Pin, PinRequest } from '../pin.ts';
import { type Labelled, type Labels, pinLabels, readPinLabels, SEAL_LABEL } from './labels.ts';
import { isPinName } from './pin-name.ts';
import type { SealCheck } from './seals.ts';

/** The container of a pin. */
export interface Hold extends Labelled {
  readonly container: string;
  /** As `Pin.sealed`. */
  readonly sealed: boolean;
  readonly unproven?: boolean;
}

/** A container that may be a pin, as an engine lists it. */
export interface Listed {
  readonly container: string;
  readonly name: string;
  readonly labels: Labels;
  /** `sha256:…`, the engine's id of the image that the container holds. */
  readonly imageId: string;
}

/**
 * The program of a pin's container, which exists in no image. It replaces the image's own entrypoint, so
 * that a pin can run nothing, whoever starts it.
 */
export const PIN_ENTRYPOINT = '/.berth-pin';

/**
 * Reads a pin by its labels and its name. Whether the container is otherwise as berth makes it is for the
 * engine to see.
 *
 * @returns the reason as text if the container is no pin.
 */
export function readHold(
  { container, name, labels, imageId }: Listed,
  seals: SealCheck,
): Hold | string {
  const claimed = readPinLabels(labels, imageId);
  if (claimed === undefined) return 'its labels are not those that berth writes for this image';
  const { root } = claimed;
  if (!isPinName(name, root)) return `its name is not one that berth gives to pins of ${root}`;
  const sealed = seals.isRight(name, labels, labels[SEAL_LABEL]);
  const hold = { ...claimed, container, sealed };
  return claimed.fetched && !sealed ? { ...hold, fetched: false, unproven: true } : hold;
}

/**
 * The pins that holds stand for. Two processes may have pinned the same image for the same root, which the
 * next `pin` clears. Until then the newest hold stands for both, and a sealed one goes before one without a
 * seal.
 *
 * @param holds oldest first.
 */
export function pinsOfHolds(holds: readonly Hold[], engine: EngineId): readonly Pin[] {
  const unsealedFirst = holds.toSorted((a, b) => Number(a.sealed) - Number(b.sealed));
  const best = new Map(unsealedFirst.map((hold) => [`${hold.id} ${hold.root}`, hold]));
  return [...best.values()].map(({ container, ...pin }) => ({ ...pin, engine, handle: container }));
}

/** Refuses a pin whose labels berth could not read back: every round would make it again. */
export function assertReadable(root: string, request: PinRequest): void {
  if (readPinLabels(pinLabels(root, request), request.id) !== undefined) return;
  throw new EngineError(
    'engine-failed',
    `expected a pin of ${request.id} for ${JSON.stringify(root)} that can be read back, found one that can't: its names may be too many or too long`,
    { hint: 'name the image in fewer ways' },
  );
}

/**
 * Whether a hold is for this image, matches the request and has a seal. A hold of an earlier berth, or one
 * whose key is lost, is made again.
 */
export function says(hold: Hold, request: PinRequest): boolean {
  return (
    hold.sealed &&
    // The labels have the id too, but making them for each pair of a large root takes long.
    hold.id === request.id &&
    isDeepStrictEqual(pinLabels(hold.root, hold), pinLabels(hold.root, request))
  );
}

/** All holds of an image except the oldest that matches the request. */
export function superfluousOf(holds: readonly Hold[], request: PinRequest): readonly Hold[] {
  const kept = holds.find((hold) => says(hold, request));
  return holds.filter((hold) => hold.id === request.id && hold !== kept);
}

/** Says of holds whether they stand for one of these pins. */
export function standsFor(
  pins: readonly Pick<Hold, 'root' | 'id'>[],
): (hold: Pick<Hold, 'root' | 'id'>) => boolean {
  const keyOf = ({ root, id }: Pick<Hold, 'root' | 'id'>) => `${id} ${root}`;
  const keys = new Set(pins.map(keyOf));
  return (hold) => keys.has(keyOf(hold));
}
