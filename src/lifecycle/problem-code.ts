import type { BindingProblemCode } from '../binding/problem-code.ts';

/** The codes of all problems that a plan finds; docs/problems.md says what each means. */
export type LifecycleProblemCode = BindingProblemCode | 'pull-never';
