import type { Problem } from '../../problem.ts';
import { scalar } from '../../systemd/lookup.ts';
import { bindSetting } from './load.ts';
import { problemOfUnit, type QuadletUnit } from './unit.ts';

/** What is wrong in a unit's `[X-Berth]`, which is berth's own section. */
export function ownSectionProblems(unit: QuadletUnit): readonly Problem[] {
  const problems: Problem[] = [];
  for (const entry of unit.entries) {
    if (entry.group !== 'X-Berth' || entry.key === 'Bind') continue;
    problems.push(
      problemOfUnit(unit, entry, {
        code: 'bind-setting',
        message: `expected Bind= in [X-Berth], found ${JSON.stringify(entry.key)}`,
        hint: 'Bind= is the only key there; correct it or take it out',
      }),
    );
  }
  const bind = scalar(unit.entries, 'X-Berth', 'Bind');
  if (bind !== undefined && bind.value !== '' && bindSetting(unit.entries) === undefined) {
    problems.push(
      problemOfUnit(unit, bind, {
        code: 'bind-setting',
        message: 'expected yes or no in Bind=, found something else',
        hint: 'write Bind=yes or Bind=no',
      }),
    );
  }
  return problems;
}
