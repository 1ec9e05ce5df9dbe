import type { BoundReference } from '../../binding/survey.ts';
import type { EngineId } from '../../common/engine-id.ts';
import type { RecordReference } from '../../state/record.ts';
import { MOST_CONDITIONS, MOST_UNITS, MOST_WAYS, shortened, some } from './bounds.ts';
import type { Some, Way } from './report.ts';

/**
 * The units that name an image, as the tree says; or, where the tree was not read or says nothing of the image, as the
 * record does.
 */
export function waysTo(
  references: readonly BoundReference[],
  recorded: readonly RecordReference[],
  engine: EngineId | undefined,
): Some<Way> {
  // A record that keeps everything in berth's own store says nothing of who runs the image.
  const own = references.filter((reference) => reference.engine === engine);
  const chosen = distinct(own.length > 0 ? own : references);
  if (chosen.length > 0) return made(chosen, wayOf);
  return made(distinct(recorded), recordedWay);
}

function made<T>(references: readonly T[], make: (reference: T) => Way): Some<Way> {
  const { shown, more } = some(references, MOST_WAYS);
  return { shown: shown.map(make), more };
}

function wayOf(reference: BoundReference): Way {
  const { unit, path, line, activation, via, conditions = [], decision } = reference;
  const chain = via.length === 0 ? [unit] : via;
  const more = conditions.length - MOST_CONDITIONS;
  return {
    unit: shortened(unit),
    place: shortened(`${path}:${line}`),
    activation,
    chain: middleLeftOut(chain).map((name) => shortened(name)),
    conditions: [
      ...conditions.slice(0, MOST_CONDITIONS).map((text) => shortened(text)),
      ...(more > 0 ? [`… and ${more} more`] : []),
    ],
    rule: shortened(`${decision.bound ? 'bound' : 'not bound'}: ${decision.rule}`),
  };
}

function recordedWay({ unit, path, line }: RecordReference): Way {
  return {
    unit: shortened(unit),
    place: shortened(`${path}:${line}`),
    activation: 'unknown',
    chain: [shortened(unit)],
    conditions: [],
    rule: undefined,
  };
}

/** The first two units and the last ones of a long chain. */
function middleLeftOut(chain: readonly string[]): readonly string[] {
  if (chain.length <= MOST_UNITS) return chain;
  const last = chain.slice(chain.length - (MOST_UNITS - 3));
  return [...chain.slice(0, 2), `… ${chain.length - MOST_UNITS + 1} units …`, ...last];
}

/** The references with one for each place: a unit may get its image from another file. */
function distinct<T extends RecordReference>(references: readonly T[]): readonly T[] {
  const keyed = references.map((one): [string, T] => [`${one.unit} ${one.path}:${one.line}`, one]);
  return [...new Map(keyed).values()];
}
