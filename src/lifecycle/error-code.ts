/** The codes of errors of the lifecycle; docs/commands.md says what each means. */
export type LifecycleErrorCode =
  /** The root's lock can't be read, or contradicts what a registry has. */
  | 'lock-file'
  /** A root needs more room than a file system has to spare. */
  | 'no-space'
  /** The engine runs no containers, so an apply has nothing to restart. */
  | 'no-services'
  | 'no-such-image'
  /** An image that is only built locally is not present. */
  | 'not-here'
  /** An apply of a root that does not run. */
  | 'not-live'
  | 'not-pinned'
  /** An image that berth must not, or can't, download on the engine's behalf. */
  | 'only-direct'
  | 'other-engine'
  | 'pinned'
  | 'quiet-hours'
  | 'unknown-root'
  | 'unwritable';
