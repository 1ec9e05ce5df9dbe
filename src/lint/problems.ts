import type { BoundProblem, Survey } from '../binding/survey.ts';
import type { LintFinding } from './finding.ts';

/**
 * The problems of the root as findings. A problem on something bound is an error, because a staged root
 * would not be ready; any other is a note. A unit that others than root may write is a warning,
 * because podman starts it and berth does not stage it.
 *
 * @param ofBound the problems with files that bound references cite.
 * @param ofAll the problems with files that any references cite.
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
