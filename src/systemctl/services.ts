/** A service as the manager of the running system has it loaded. */
export interface Service {
  readonly unit: string;
  /** Whether there is such a unit at all. */
  readonly loaded: boolean;
  /** `active`, `activating`, `reloading`, `deactivating`, `inactive`, `failed`. */
  readonly state: string;
  /** Another one with each start. */
  readonly invocation: string;
  readonly type: string;
  /** Its files are others than the manager has read. */
  readonly stale: boolean;
  /** The units that are started before it, and those that it needs, unless they come after it. */
  readonly after: readonly string[];
  /** The words of its first ExecStart=, joined by spaces: where one ends can't be told. */
  readonly command: string;
}

/** What runs services. */
export interface ServiceManager {
  /** Whose units it runs: `system`; `user` and `user:UID`. */
  readonly scopes: ReadonlySet<string>;
  /** All services that are loaded, and those of the asked for that there can be. */
  all(units: readonly string[]): Promise<ReadonlyMap<string, Service>>;
  one(unit: string): Promise<Service>;
  /** Reads the units anew. */
  reload(): Promise<void>;
  /**
   * Restarts a service, also one that was given up, and waits until it says that it is ready.
   *
   * @returns why it is not, if so.
   */
  restart(unit: string, signal: AbortSignal): Promise<string | undefined>;
}
