import { decide, type Policy } from '../binding/bind.ts';
import type { BoundProblem, Survey } from '../binding/survey.ts';
import type { LintFinding } from './finding.ts';

/**
 * The problems of the root as findings. A problem on something bound is an error, because a staged root
 * would not be ready; any other is a note. A unit that others than root may write is a warning,
 * because podman starts it and berth does not stage it. A broken unit never starts, so that nothing of it is
 * bound under `mode = "enabled"`; it is an error all the same if it would be bound once it is mended.
 *
 * @param ofBound the problems with files that bound references cite.
 * @param ofAll the problems with files that any references cite.
 */
export function problemFindings(
  { problems, references, policy }: Survey,
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
      level: levelOf(problem, policy),
      message,
      hint,
      path,
      ...(line === undefined ? {} : { line }),
      ...(unit === undefined ? {} : { unit }),
      ...(unitPath === undefined ? {} : { unitPath }),
    };
  });
}

/** The codes of problems for which podman or systemd makes no service of a unit. */
const breaking: ReadonlySet<string> = new Set([
  'bad-setting',
  'dangling-link',
  'ignored-line',
  'refused',
  'required-unit',
  'syntax',
  'unit-syntax',
  'unknown-key',
]);

function levelOf(problem: BoundProblem, policy: Policy): LintFinding['level'] {
  const { bound, code, subject, note } = problem;
  if (bound) return 'error';
  if (subject === undefined) return 'note';
  if (code === 'user-writable') return 'warning';
  const isBroken = breaking.has(code) && note !== true;
  // How a unit would start, nobody can tell as long as it is broken.
  const { activation: _, ...mended } = subject;
  return isBroken && decide(mended, policy).bound ? 'error' : 'note';
}
