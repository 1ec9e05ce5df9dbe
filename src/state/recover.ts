import type { Pin } from '../engine/pin.ts';
import type { StateProblemCode } from './error.ts';
import { type Contents, placeOf, type RecordImage, type RootRecord } from './record.ts';
import { isManual } from './root-id.ts';
import { recovered } from './transitions.ts';

/**
 * Makes missing records again from pins.
 *
 * The pins of one stage share its time and say how many images it had. The newest complete set of pins is
 * what was staged; all other pins are of a stage that had begun. The references to the images are lost
 * until the root is staged again.
 */
export function recordsFromPins(
  pins: readonly Pin[],
  known: ReadonlyMap<string, RootRecord>,
): readonly RootRecord[] {
  const byRoot = Map.groupBy(
    pins.filter((pin) => !known.has(pin.root)),
    (pin) => pin.root,
  );
  return [...byRoot].flatMap(([id, [first, ...others]]) =>
    first === undefined ? [] : [recordOf(id, first, [first, ...others])],
  );
}

function recordOf(id: string, { engine, record }: Pin, pins: readonly Pin[]): RootRecord {
  const drift = isManual(id) ? [] : pins.filter((pin) => isDriftPin(pin));
  const own = pins.filter((pin) => !drift.includes(pin));
  const sets = [...Map.groupBy(own, (pin) => (isManual(id) ? '' : pin.record.staged)).values()];
  sets.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
  const whole = sets.find((set) => isManual(id) || distinct(set) === set[0]?.record.images);
  const rest = sets.filter((set) => set !== whole).flat();
  return recovered(
    { id, location: record.location, engine, ...deploymentOf(pins) },
    {
      ...(whole === undefined ? {} : { staged: contentsOf(whole) }),
      ...(rest.length === 0 ? {} : { pending: contentsOf(rest) }),
      ...(drift.length === 0 ? {} : { drift: drift.map(imageOf) }),
    },
  );
}

/**
 * The deployment by which reconcile can tell that the root is gone. Its role may have changed, so only
 * `staged` is kept: a root that was queued may never have been finalised, and reconcile may have to hold it.
 */
function deploymentOf(pins: readonly Pin[]): Pick<RootRecord, 'deployment'> {
  const told = pins.find((pin) => pin.record.deployment !== undefined)?.record.deployment;
  if (told === undefined) return {};
  const { updater, role } = told;
  return { deployment: { updater, role: role === 'staged' ? 'staged' : 'other' } };
}

/** Whether a pin is of drift. Such a pin belongs to no stage, and so says that its stage had no images. */
function isDriftPin(pin: Pin): boolean {
  return pin.record.images === 0;
}

function contentsOf(pins: readonly Pin[]): Contents {
  const problems = pins[0]?.record.problems ?? 0;
  const images = new Map<string, RecordImage>();
  for (const pin of pins) images.set(placeOf(pin), imageOf(pin));
  return {
    time: timeOf(pins),
    images: [...images.values()],
    unresolved: [],
    problems:
      problems === 0
        ? []
        : [
            {
              code: 'record-recovered' satisfies StateProblemCode,
              path: '/',
              message: `the record was made again from pins; ${problems} problem(s) that it had are no longer known`,
              hint: 'stage the root again',
            },
          ],
  };
}

function imageOf({ engine, id, platform, fetched, names }: Pin): RecordImage {
  return {
    id,
    manifest: names[0]?.manifest ?? id,
    platform,
    size: 0,
    fetched,
    names: names.map(({ name, digest }) => ({ name, digest, references: [] })),
    engine,
  };
}

function timeOf(pins: readonly Pin[]): string {
  return pins[0]?.record.staged ?? '';
}

function distinct(pins: readonly Pin[]): number {
  return new Set(pins.map(placeOf)).size;
}
