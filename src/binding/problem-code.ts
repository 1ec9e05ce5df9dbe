import type { DiscoveryProblemCode } from '../discovery/problem.ts';

/**
 * The codes of all problems of a root and of what the policy binds in it, as docs/problems.md lists
 * them.
 */
export type BindingProblemCode =
  | DiscoveryProblemCode
  | 'additional-store'
  | 'auth-file'
  | 'lock-file'
  | 'registries-conf'
  | 'two-platforms';
