import type { Problem as AnyProblem } from '../common/problem.ts';
import type { RootErrorCode } from '../root/root.ts';

/** The codes of problems with the units of a manager; docs/problems.md says what each means. */
export type SystemdProblemCode =
  | RootErrorCode
  | 'dangling-link'
  | 'specifier'
  | 'too-large'
  | 'too-many-entries'
  | 'unit-syntax';

/** A problem with a code of systemd's units. */
export type Problem = AnyProblem<SystemdProblemCode>;
