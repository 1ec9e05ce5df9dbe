import type { Absence } from '../engine/engine.ts';

/** The absence of an engine whose images wait for a boot, which hands them over. */
export function atBoot(
  reason: string,
  hint = '`berth activate`, which each boot runs, hands its images over',
): Absence {
  return { reason, hint, takes: 'at-boot' };
}
