import { HOW_TO_BIND } from '../binding/bind.ts';
import type { Survey } from '../binding/survey.ts';
import { counted } from '../common/counted.ts';
import type { LintFinding } from './finding.ts';
import { lintRules } from './rules.ts';

/** The finding on a root that names images and binds none of them. */
export function boundFindings({ references }: Survey): readonly LintFinding[] {
  if (references.length === 0 || references.some(({ decision }) => decision.bound)) return [];
  const message = `the root names ${counted(references.length, 'image')}, and none of them is bound`;
  const code = 'nothing-bound';
  return [{ code, level: lintRules[code].level, message, hint: HOW_TO_BIND }];
}
