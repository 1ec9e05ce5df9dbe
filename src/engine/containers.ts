/** A container that a service of systemd runs. */
export interface ServiceContainer {
  readonly id: string;
  readonly name: string;
  /** The service. */
  readonly unit: string;
  /** The image's name, as the container was started with it. */
  readonly image: string;
  /** The engine's id of the image. */
  readonly imageId: string;
  /** The command line that made it, where the engine tells. */
  readonly command: readonly string[];
  /** Its auto-update policy, where it has one. */
  readonly policy: string;
  /** Absent where nobody checks it. */
  readonly health?: {
    /** `starting`, `healthy`, `unhealthy`. */
    readonly status: string;
    /** The output of the last check. */
    readonly output: string;
    /** Start period in seconds: failures within it do not count. */
    readonly startPeriod: number;
  };
}
