import type { PullPolicy } from './reference.ts';

/** The pull policies by podman's spellings (containers/common, pkg/config, `ParsePullPolicy`). */
export const pullPolicies: ReadonlyMap<string, PullPolicy> = new Map([
  ['always', 'always'],
  ['Always', 'always'],
  ['missing', 'missing'],
  ['Missing', 'missing'],
  ['ifnotpresent', 'missing'],
  ['IfNotPresent', 'missing'],
  ['never', 'never'],
  ['Never', 'never'],
  ['newer', 'newer'],
  ['Newer', 'newer'],
  ['ifnewer', 'newer'],
  ['IfNewer', 'newer'],
]);
