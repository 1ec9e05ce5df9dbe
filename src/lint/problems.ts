import type { BoundProblem, Survey } from '../binding/survey.ts';
import type { LintFinding } from './finding.ts';

/**
 * The problems of the root, as findings: with one on something bound the root would not be ready
 * where it is staged, any other is a note. A unit that is not root's is a warning: podman starts it all
 * the same, and berth does not stage it.
 *
 * @param ofBound what came up with the bound references' own files.
 * @param ofAll what came up with those of all references.
 */
export function problemFindings(
  { problems, references }: Survey,
  ofBound: readonly BoundProblem[],
  ofAll: readonly BoundProblem[],
): readonly LintFinding[] {
  const unitsAt = new Map(references.map((at) => [`${at.path}:${at.line}`, at]));
  return [...problems, ...ofBound, ...ofAll.filter(({ bound }) => !bound)].map((problem) => {
    const { code, path, line, message, hint, subject } = problem;
    const at = unitsAt.get(`${path}:${line}`);
    const unit = subject?.unit ?? at?.unit;
    const unitPath = subject?.unitPath ?? at?.unitPath;
    return {
      code,
      level: levelOf(problem),
      message,
      hint,
      path,
      ...(line === undefined ? {} : { line }),
      ...(unit === undefined ? {} : { unit }),
      ...(unitPath === undefined ? {} : { unitPath }),
    };
  });
}

function levelOf({ bound, code, subject }: BoundProblem): LintFinding['level'] {
  if (bound) return 'error';
  return code === 'user-writable' && subject !== undefined ? 'warning' : 'note';
}
