import type { BoundReference } from '../binding/survey.ts';
import { type LintCode, type LintLevel, levelOf } from './rules.ts';

/** Something that whoever builds the root should mend before it ships. */
export interface LintFinding {
  /** Of docs/lint.md, or of docs/problems.md. */
  readonly code: string;
  readonly level: LintLevel;
  readonly message: string;
  readonly hint: string;
  /** The file inside the root; left out where it is about the root as a whole. */
  readonly path?: string;
  readonly line?: number;
  readonly unit?: string;
  readonly image?: string;
  /** The unit's file, whose `LintIgnore=` may suppress this. */
  readonly unitPath?: string;
  /** The reason why it does not count. */
  readonly suppressed?: string;
}

/** A finding where a reference stands. */
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
