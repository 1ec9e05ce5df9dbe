import type { BindingProblemCode } from '../../binding/problem-code.ts';
import type { BoundProblem } from '../../binding/survey.ts';

/** The codes of the problems that planning adds to those of the root, as docs/problems.md lists them. */
export type PlanningProblemCode =
  /** The unit never pulls its image, and the image is not there. */
  | 'pull-never'
  /** The root's podman keeps images in another store than the running one. */
  | 'storage-differs';

export type PlanningProblem = BoundProblem<PlanningProblemCode>;

/** A problem that keeps a planned root from being ready. */
export type PlanProblem = BoundProblem<BindingProblemCode | PlanningProblemCode>;
