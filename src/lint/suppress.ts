import type { BoundReference } from '../binding/survey.ts';
import type { LintIgnore } from '../discovery/reference.ts';
import { findingAt, type LintFinding } from './finding.ts';
import { isOnlineRule } from './rules.ts';

/**
 * Marks the findings that units suppress with `LintIgnore=`. A `LintIgnore=` without a reason has no
 * effect and is itself a finding, and so is one that suppresses nothing.
 *
 * @param isOnline whether the rules that need the registries were checked.
 */
export function suppress(
  findings: readonly LintFinding[],
  references: readonly BoundReference[],
  isOnline: boolean,
): readonly LintFinding[] {
  const units = new Map<string, Ignoring>();
  for (const reference of references) {
    const { unitPath, lintIgnore } = reference;
    if (lintIgnore === undefined || units.has(unitPath)) continue;
    const counting = lintIgnore.filter(({ reason }) => reason !== '');
    const byCode = new Map(counting.map((ignore) => [ignore.code, ignore]));
    units.set(unitPath, { reference, lintIgnore, byCode });
  }
  const used = new Set<LintIgnore>();
  const marked = findings.map((finding) => {
    const { unitPath = '', path = '', code } = finding;
    // A container that uses an .image unit gets the findings of that unit, which has its own ignores.
    const ignore = units.get(unitPath)?.byCode.get(code) ?? units.get(path)?.byCode.get(code);
    if (ignore === undefined) return finding;
    used.add(ignore);
    return { ...finding, suppressed: ignore.reason };
  });
  const said = [...units.values()].flatMap(({ reference, lintIgnore }) =>
    lintIgnore.flatMap((ignore): LintFinding[] => {
      if (used.has(ignore)) return [];
      if (ignore.reason === '') return [without(reference, ignore)];
      if (isOnlineRule(ignore.code) && !isOnline) return [];
      return [idle(reference, ignore)];
    }),
  );
  return distinct([...marked, ...said]);
}

/** A unit that suppresses rules for itself. */
interface Ignoring {
  readonly reference: BoundReference;
  readonly lintIgnore: readonly LintIgnore[];
  readonly byCode: ReadonlyMap<string, LintIgnore>;
}

function without(reference: BoundReference, { code, path, line }: LintIgnore): LintFinding {
  const message = `expected a code and a reason in LintIgnore=, found ${code === '' ? 'neither' : `${JSON.stringify(code)} alone`}`;
  const hint = 'write LintIgnore=CODE and then why that is right here';
  return { ...findingAt(reference, 'suppression', { message, hint }), level: 'error', path, line };
}

function idle(reference: BoundReference, { code, path, line }: LintIgnore): LintFinding {
  const message = `LintIgnore=${code} of ${reference.unit} suppresses nothing`;
  const hint = 'correct the code, or take the line out';
  return { ...findingAt(reference, 'suppression', { message, hint }), level: 'note', path, line };
}

/**
 * Removes duplicates. Units that share a line share its findings; a finding counts unless it is
 * suppressed for all of them.
 */
function distinct(findings: readonly LintFinding[]): readonly LintFinding[] {
  const byKey = new Map<string, LintFinding>();
  for (const finding of findings) {
    const { code, path, line, message } = finding;
    const key = JSON.stringify([code, path, line, message]);
    const known = byKey.get(key);
    const isWorse = finding.level === 'error' && known?.level !== 'error';
    const counts = finding.suppressed === undefined && known?.suppressed !== undefined;
    if (known === undefined || counts || (isWorse && finding.suppressed === undefined)) {
      byKey.set(key, finding);
    }
  }
  return [...byKey.values()];
}
