import type { BindingProblemCode } from '../binding/problem-code.ts';
import { BerthError } from '../common/errors.ts';

/** The codes of errors of the lifecycle; docs/commands.md says what each means. */
export type LifecycleErrorCode =
  /** The root's lock file can't be read, or contradicts the registry. */
  | 'lock-file'
  /** A file system has too little room for a root. */
  | 'no-space'
  /** The engine runs no services, so an apply has nothing to restart. */
  | 'no-services'
  /** The image is not there, so it can't be pinned. */
  | 'no-such-image'
  /** An image that can only be built or loaded locally is not there. */
  | 'not-here'
  /** The root of an apply does not run. */
  | 'not-live'
  | 'not-pinned'
  /** An image that only the engine can download was to be downloaded ahead. */
  | 'only-direct'
  /** The root is staged on another engine. */
  | 'other-engine'
  /** A root's pins were to be unpinned by hand, or pins made by hand were to be released. */
  | 'pinned'
  /** Nothing is fetched in the quiet hours of berth.toml. */
  | 'quiet-hours'
  /** The images of a root have more layers, counted for each name, than an engine is given. */
  | 'too-many-layers'
  | 'unknown-root'
  /** The images that a root ships can't be written into the tree. */
  | 'unwritable';

/** The codes of all problems that a plan finds; docs/problems.md says what each means. */
export type LifecycleProblemCode = BindingProblemCode | 'pull-never';

export class LifecycleError extends BerthError<LifecycleErrorCode> {}
