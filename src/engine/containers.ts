/** A container that a service of systemd runs. */
export interface ServiceContainer {
  readonly id: string;
  readonly name: string;
  /** The service. */
  readonly unit: string;
  /** As it was started. */
  readonly image: string;
  /** The engine's id of that. */
  readonly imageId: string;
  /** The command line that made it, where the engine tells. */
  readonly command: readonly string[];
  /** Its auto-update policy, where it has one. */
  readonly policy: string;
  /** Absent where nobody checks it. */
  readonly health?: {
    /** `starting`, `healthy`, `unhealthy`. */
    readonly status: string;
    /** What the last check said. */
    readonly output: string;
    /** For so long a check that fails does not count, in seconds. */
    readonly startPeriod: number;
  };
}
