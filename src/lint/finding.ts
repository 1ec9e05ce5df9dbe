import type { BoundReference } from '../binding/survey.ts';
import { type LintCode, type LintLevel, levelOf } from './rules.ts';

/** A fault of the root that its builder should correct before the root ships. */
export interface LintFinding {
  /** A code of docs/lint.md or docs/problems.md. */
  readonly code: string;
  readonly level: LintLevel;
  readonly message: string;
  readonly hint: string;
  /** The file inside the root; absent if the finding concerns the root as a whole. */
  readonly path?: string;
  readonly line?: number;
  readonly unit?: string;
  readonly image?: string;
  /** The file of the unit whose `LintIgnore=` may suppress the finding. */
  readonly unitPath?: string;
  /** The reason given for suppressing the finding; a suppressed finding does not count. */
  readonly suppressed?: string;
}

/** A finding at the place of a reference. */
export function findingAt(
  reference: BoundReference,
  code: LintCode,
  { message, hint }: { readonly message: string; readonly hint: string },
): LintFinding {
  const { path, line, unit, unitPath, image, decision } = reference;
  return {
    code,
    level: levelOf(code, decision.bound),
    message,
    hint,
    path,
    line,
    unit,
    unitPath,
    ...(image === undefined ? {} : { image }),
  };
}
