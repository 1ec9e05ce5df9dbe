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
    scope: 'system',
    activation: 'unknown',
    via: [],
    // V8 makes an object quickest if what may be missing stands last.
    ...(unit.realPath === unit.path ? {} : { unitRealPath: unit.realPath }),
    ...(unit.bind === undefined ? {} : { bind: unit.bind }),
    ...lintIgnoreOf(unit),
  };
}
