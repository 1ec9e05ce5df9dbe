/** A service as the running service manager has loaded it. */
export interface Service {
  readonly unit: string;
  /** The unit's names: its own and its aliases. */
  readonly names: readonly string[];
  /** Whether the unit exists. */
  readonly loaded: boolean;
  /** `active`, `activating`, `reloading`, `deactivating`, `inactive`, `failed`. */
  readonly state: string;
  /** The id of the current start; every start has a new one. */
  readonly invocation: string;
  readonly type: string;
  /** Whether the unit's files have changed since the manager read them. */
  readonly stale: boolean;
  /** The units that are started before this one, and its requirements, except later ones. */
  readonly after: readonly string[];
  /** The words of the first ExecStart=, joined by spaces. Their boundaries are lost. */
  readonly command: string;
  /** The words of each ExecStartPre=, likewise. */
  readonly preparations: readonly string[];
}

/** A manager that runs services. */
export interface ServiceManager {
  /** The scopes whose units the manager runs: `system`, or `user` and `user:UID`. */
  readonly scopes: ReadonlySet<string>;
  /** All loaded services, and those of `units` that can exist. */
  all(units: readonly string[]): Promise<ReadonlyMap<string, Service>>;
  one(unit: string): Promise<Service>;
  /** Makes the manager read all unit files again. */
  reload(): Promise<void>;
  /**
   * Restarts a service and waits until the service reports that it is ready. Works also for a service
   * that the manager has given up.
   *
   * @returns the reason, if the service did not become ready.
   */
  restart(unit: string, signal: AbortSignal): Promise<string | undefined>;
}
