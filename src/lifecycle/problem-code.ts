import type { BindingProblemCode } from '../binding/problem-code.ts';

/** The codes of all problems that a record can have; docs/problems.md says what each means. */
export type LifecycleProblemCode = BindingProblemCode | 'pull-never' | 'record-recovered';
