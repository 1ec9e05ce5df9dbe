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
  /** The command line that made the container, where the engine tells it. */
  readonly command: readonly string[];
  /** The container's auto-update policy, where it has one. */
  readonly policy: string;
  /** Absent for a container without a health check. */
  readonly health?: {
    /** `starting`, `healthy`, `unhealthy`. */
    readonly status: string;
    /** The output of the last check. */
    readonly output: string;
    /** Start period in seconds: failures within it do not count. */
    readonly startPeriod: number;
  };
}

/** A pod that a service of systemd runs. */
export interface ServicePod {
  /** The service. */
  readonly unit: string;
  /** The command line that made the pod; empty where the engine does not tell it. */
  readonly command: readonly string[];
}
