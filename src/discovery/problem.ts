import type { Problem as AnyProblem } from '../common/problem.ts';
import type { SystemdProblemCode } from '../systemd/problem.ts';

/** The codes of all problems that discovery reports; docs/problems.md says what each means. */
export type DiscoveryProblemCode =
  | SystemdProblemCode
  | 'ambiguous-short-name'
  | 'archive'
  | 'artifact'
  | 'bad-setting'
  | 'bind-setting'
  | 'bootc-refuses'
  | 'bound-link'
  | 'built-on-host'
  | 'cited-file'
  | 'command-line'
  | 'compose'
  | 'containerfile'
  | 'engine-config'
  | 'engine-unknown'
  | 'extension'
  | 'ignored-line'
  | 'image-id'
  | 'image-name'
  | 'invalid-option'
  | 'kube-kind'
  | 'kube-manifest'
  | 'kube-unread'
  | 'kustomization'
  | 'overridden'
  | 'pinned-image-set'
  | 'pull-always'
  | 'refused'
  | 'required-unit'
  | 'root-config'
  | 'shell'
  | 'short-name'
  | 'storage-conf'
  | 'storage-differs'
  | 'syntax'
  | 'transport'
  | 'unknown-key'
  | 'unsupported-option'
  | 'variable'
  | 'yaml';

/** A problem with a code of discovery. */
export type Problem = AnyProblem<DiscoveryProblemCode>;

/** A problem before anything says in which file and unit it was found. */
export type Fault = Pick<Problem, 'code' | 'message' | 'hint'>;
