import type { Reference } from '../reference.ts';
import type { QuadletUnit } from './unit.ts';
import { lintIgnoreOf } from './x-berth.ts';

/** The fields that all references of a unit have in common. */
export function referenceFields(
  unit: QuadletUnit,
): Pick<
  Reference,
  | 'kind'
  | 'unit'
  | 'unitPath'
  | 'unitRealPath'
  | 'scope'
  | 'activation'
  | 'via'
  | 'bind'
  | 'lintIgnore'
> {
  return {
    kind: unit.type,
    unit: unit.service,
    unitPath: unit.path,
    ...(unit.realPath === unit.path ? {} : { unitRealPath: unit.realPath }),
    scope: 'system',
    activation: 'unknown',
    via: [],
    ...(unit.bind === undefined ? {} : { bind: unit.bind }),
    ...lintIgnoreOf(unit),
  };
}
