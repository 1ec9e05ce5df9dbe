import type { EngineId } from '../common/engine-id.ts';
import type { Pin } from '../engine/pin.ts';
import type { StateProblemCode } from './error.ts';
import { type Contents, type RecordImage, type RootRecord } from './record.ts';
import { isManual } from './root-id.ts';
import { recovered } from './transitions.ts';

/**
 * Makes the records again that are missing, from their pins.
 *
 * The pins of one staging share its time and say how many images it had. The newest whole set is
 * what was staged; what is left over is a stage that had begun. Where the files that name the
 * images stand is lost, until the root is staged again.
 */
export function recordsFromPins(
  pins: readonly Pin[],
  known: ReadonlyMap<string, RootRecord>,
  engine: EngineId,
): readonly RootRecord[] {
  const byRoot = Map.groupBy(
    pins.filter((pin) => !known.has(pin.root)),
    (pin) => pin.root,
  );
  return [...byRoot].map(([id, own]) => recordOf(id, own, engine));
}

function recordOf(id: string, pins: readonly Pin[], engine: EngineId): RootRecord {
  const drift = isManual(id) ? [] : pins.filter((pin) => isDriftPin(pin));
  const own = pins.filter((pin) => !drift.includes(pin));
  const sets = [...Map.groupBy(own, (pin) => (isManual(id) ? '' : pin.record.staged)).values()];
  sets.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
  const whole = sets.find((set) => isManual(id) || distinct(set) === set[0]?.record.images);
  const rest = sets.filter((set) => set !== whole).flat();
  return recovered(
    { id, location: pins[0]?.record.location ?? '', engine, ...deploymentOf(pins) },
    {
      ...(whole === undefined ? {} : { staged: contentsOf(whole) }),
      ...(rest.length === 0 ? {} : { pending: contentsOf(rest) }),
      ...(drift.length === 0 ? {} : { drift: drift.map(imageOf) }),
    },
  );
}

/**
 * Whose deployment it was, so that the root can be told to be gone. What its role is by now only
 * the updater knows; but of one that was queued it is not known whether it was ever finalised.
 */
function deploymentOf(pins: readonly Pin[]): Pick<RootRecord, 'deployment'> {
  const told = pins.find((pin) => pin.record.deployment !== undefined)?.record.deployment;
  if (told === undefined) return {};
  const { updater, role } = told;
  return { deployment: { updater, role: role === 'staged' ? 'staged' : 'other' } };
}

/** A pin of what a name drifted to belongs to no stage: it says so by a stage without images. */
function isDriftPin(pin: Pin): boolean {
  return pin.record.images === 0;
}

function contentsOf(pins: readonly Pin[]): Contents {
  const problems = pins[0]?.record.problems ?? 0;
  const images = new Map<string, RecordImage>();
  for (const pin of pins) images.set(pin.id, imageOf(pin));
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
              message: `the record was made again from pins; ${problems} problem(s) that it had are not known any more`,
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
  return new Set(pins.map((pin) => pin.id)).size;
}
