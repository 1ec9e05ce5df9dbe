import type { PullPolicy } from './reference.ts';

const policies: ReadonlyMap<string, PullPolicy> = new Map([
  ['always', 'always'],
  ['missing', 'missing'],
  ['ifnotpresent', 'missing'],
  ['never', 'never'],
  ['newer', 'newer'],
  ['ifnewer', 'newer'],
]);

/**
 * The pull policy that a word means to podman; undefined for a word that podman refuses.
 *
 * Source: containers/common, pkg/config/pull_policy.go, `ParsePullPolicy`.
 */
export function pullPolicyOf(word: string): PullPolicy | undefined {
  return policies.get(word.toLowerCase());
}
