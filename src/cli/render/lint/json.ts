import type { InferOutput } from 'valibot';
import { shown } from '../../../common/shown.ts';
import type * as schemas from '../../../documents/schemas.ts';
import type { LintFinding } from '../../../lint/finding.ts';
import type { LintReport } from '../../../lint/lint.ts';
import type { LintLevel } from '../../../lint/rules.ts';

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

/** The number of findings at each level, and of suppressed ones. */
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
