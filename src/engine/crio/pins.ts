import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { withLock } from '../../common/process-lock.ts';
import { CRIO_DROP_IN } from '../../image/crio-drop-in.ts';
import type { Pins } from '../engine.ts';
import { EngineError } from '../errors.ts';
import type { Pin, PinRequest } from '../pin.ts';
import { type ConfigPlaces, othersPins } from './configuration.ts';
import type { Cri } from './cri.ts';
import { dropInOf, type KeptPin, pinsIn } from './drop-in.ts';
import { readBounded } from './read-bounded.ts';
import { removeDropIn, writeDropIn } from './write-drop-in.ts';

/** In milliseconds: how long CRI-O is given to read its configuration, and between two looks. */
const TAKEN_WITHIN = 5000;
const PAUSE = 100;

/** What the pins of CRI-O need. */
export interface PinsOptions {
  readonly cri: Cri;
  readonly places: ConfigPlaces;
  /** The file whose lock lets one berth at a time change the drop-in. */
  readonly lock: string;
  /** Makes CRI-O read its configuration again; returns why that failed. */
  readonly reload: () => Promise<string | undefined>;
  readonly warn: (message: string) => void;
}

/**
 * The pins of CRI-O: a drop-in for its configuration, `pinned_images`, which keeps the kubelet from cleaning
 * images up. Removals by name or id take them all the same.
 */
export function pinsOf(options: PinsOptions): Pins & { readonly renewPins: () => Promise<void> } {
  const { places, lock, warn } = options;
  const alone: Alone = (work) => withLock(lock, 'exclusive', work);
  let said = '';
  // A configuration file that can't be read must not keep a stage or an activation from its work.
  const sayOnce = (error: unknown) => {
    if (!(error instanceof EngineError)) throw error;
    if (error.message !== said) warn(error.message);
    said = error.message;
  };
  return {
    pins: async () => ((await isOverridden(places)) ? [] : pinsIn(textOf(places)).map(pinOf)),
    roomFor: async () => undefined,
    pin: async (root, requests) => {
      if (requests.length === 0) return;
      await alone(async () => {
        await refuseAbsent(options.cri, requests);
        const { overriding } = await othersPins(places);
        if (overriding !== undefined) throw overridden(places, overriding);
        const isChanged = await write(options, withPins(pinsIn(textOf(places)), root, requests));
        if (isChanged) await untilTaken(options, requests);
      });
    },
    unpin: async (pins) => {
      const dropped = new Set(pins.map(({ handle }) => handle));
      if (dropped.size === 0) return;
      await alone(async () => {
        const before = pinsIn(textOf(places));
        await write(
          options,
          before.filter((pin) => !dropped.has(handleOf(pin))),
        );
      });
    },
    renewPins: () => renew(options, alone).catch(sayOnce),
  };
}

/** Runs the work while no other berth changes the drop-in. */
type Alone = (work: () => Promise<void>) => Promise<void>;

async function renew(options: PinsOptions, alone: Alone): Promise<void> {
  const { places } = options;
  // A watcher asks often, and hardly ever is anything to change: the lock is taken only then.
  if ((await textFor(places, pinsIn(textOf(places)))) === textOf(places)) return;
  await alone(async () => void (await write(options, pinsIn(textOf(places)))));
}

/**
 * Whether the list of another file counts instead of berth's. A configuration that can't be read overrides nothing:
 * CRI-O goes on with what it read before.
 */
async function isOverridden(places: ConfigPlaces): Promise<boolean> {
  try {
    return (await othersPins(places)).overriding !== undefined;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** @throws {EngineError} `no-such-image`, before anything is pinned. */
async function refuseAbsent(cri: Cri, requests: readonly PinRequest[]): Promise<void> {
  const present = new Set((await cri.images()).map(({ id }) => `sha256:${id}`));
  const gone = requests.find(({ id }) => !present.has(id));
  if (gone === undefined) return;
  throw new EngineError('no-such-image', `crio has no image ${gone.id}`, {
    hint: 'somebody removed it just now; stage the root again',
  });
}

function withPins(
  before: readonly KeptPin[],
  root: string,
  requests: readonly PinRequest[],
): readonly KeptPin[] {
  const pins = new Map(before.map((pin) => [handleOf(pin), pin]));
  for (const request of requests) {
    const pin = { ...request, root };
    pins.set(handleOf(pin), pin);
  }
  return [...pins.values()];
}

/**
 * Writes the drop-in anew, and removes the file with its last pin.
 *
 * @returns whether the file had to change and CRI-O was told.
 */
async function write(
  { places, reload, warn }: PinsOptions,
  pins: readonly KeptPin[],
): Promise<boolean> {
  const text = await textFor(places, pins);
  if (text === textOf(places)) return false;
  if (text === '') removeDropIn(pathIn(places));
  else writeDropIn(pathIn(places), text);
  const failure = await reload();
  if (failure !== undefined) warn(`crio did not read its pins again: ${failure}`);
  return failure === undefined;
}

/** The text of the drop-in with these pins, and what others pin now; empty without pins. */
async function textFor(places: ConfigPlaces, pins: readonly KeptPin[]): Promise<string> {
  return pins.length === 0 ? '' : dropInOf(pins, (await othersPins(places)).pinned);
}

/** Waits until CRI-O reports the images as pinned: it reads its configuration some time after the signal. */
async function untilTaken(
  { cri, warn }: PinsOptions,
  requests: readonly PinRequest[],
): Promise<void> {
  const wanted = requests.filter(({ names }) => names.some(({ name }) => name.includes('/')));
  const end = performance.now() + TAKEN_WITHIN;
  for (;;) {
    const pinned = new Set(
      (await cri.images()).flatMap((image) => (image.pinned ? [`sha256:${image.id}`] : [])),
    );
    if (wanted.every(({ id }) => pinned.has(id))) return;
    if (performance.now() >= end) break;
    await setTimeout(PAUSE);
  }
  warn('crio does not pin the images yet: it takes the pins when it starts the next time');
}

function pinOf(pin: KeptPin): Pin {
  return { ...pin, engine: 'crio', handle: handleOf(pin) };
}

function handleOf({ root, id }: Pick<KeptPin, 'root' | 'id'>): string {
  return `${root} ${id}`;
}

function pathIn({ dropIns }: ConfigPlaces): string {
  return join(dropIns, CRIO_DROP_IN);
}

/** The text of berth's drop-in; empty if there is none. */
function textOf(places: ConfigPlaces): string {
  const path = pathIn(places);
  const fail = (reason: string, cause?: unknown) =>
    new EngineError('engine-failed', `can't read CRI-O's pins in ${path}: ${reason}`, {
      hint: 'move the file away; the next stage writes it anew',
      cause,
    });
  return readBounded(path, fail) ?? '';
}

function overridden(places: ConfigPlaces, path: string): EngineError {
  return new EngineError(
    'engine-failed',
    `${path} overrides berth's pins in ${pathIn(places)}, because it is read later`,
    { hint: `rename it, so that its name sorts before ${CRIO_DROP_IN}` },
  );
}
