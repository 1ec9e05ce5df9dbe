import type { InferOutput } from 'valibot';
import type * as schemas from '../../documents/schemas.ts';
import type { LintFinding } from '../../lint/finding.ts';
import type { LintReport } from '../../lint/lint.ts';
import type { LintLevel } from '../../lint/rules.ts';
import { shown } from './shown.ts';

export function lintJson(root: string, report: LintReport): InferOutput<typeof schemas.LintReport> {
  const { findings, skipped, bytes } = report;
  return {
    apiVersion: 'berth/v1',
    kind: 'LintReport',
    root,
    ...countsOf(findings),
    skipped: [...skipped],
    ...(bytes === undefined ? {} : { bytes }),
    findings: findings.map(
      ({ code, level, message, hint, path, line, unit, image, suppressed }) => ({
        code,
        level,
        message,
        hint,
        ...(path === undefined ? {} : { path: shown(path) }),
        ...(line === undefined ? {} : { line }),
        ...(unit === undefined ? {} : { unit: shown(unit) }),
        ...(image === undefined ? {} : { image }),
        ...(suppressed === undefined ? {} : { suppressed }),
      }),
    ),
  };
}

/** How many count at each level, and how many do not count. */
export function countsOf(findings: readonly LintFinding[]) {
  const counting = findings.filter(({ suppressed }) => suppressed === undefined);
  const at = (level: LintLevel) => counting.filter((finding) => finding.level === level).length;
  return {
    errors: at('error'),
    warnings: at('warning'),
    notes: at('note'),
    suppressed: findings.length - counting.length,
  };
}
