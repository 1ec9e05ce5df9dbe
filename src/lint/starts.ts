import type { Survey } from '../binding/survey.ts';
import { findingAt, type LintFinding } from './finding.ts';

/** Findings about bound units that nothing starts: their images would be kept for nothing. */
export function startFindings({ references }: Survey): readonly LintFinding[] {
  return references
    .filter(({ activation, decision }) => activation === 'none' && decision.bound)
    .map((reference) =>
      findingAt(reference, 'never-starts', {
        message: `${reference.unit} is bound (${reference.decision.rule}), and nothing in the root starts it`,
        hint: 'enable the unit ([Install] with WantedBy=, say), or do not bind it',
      }),
    );
}
