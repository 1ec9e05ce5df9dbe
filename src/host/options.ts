import type { EngineId } from '../common/engine-id.ts';

/** How this host is to be opened. Every option may be left out. */
export interface HostOptions {
  /** Where images live; else as berth.toml says, else podman where it is found, else berth's store. */
  readonly engine?: EngineId | undefined;
  /** Where berth keeps its state; else as the environment or berth.toml says, else the usual place. */
  readonly stateDirectory?: string | undefined;
  /** A berth.toml to read instead of all others. */
  readonly config?: string | undefined;
  /** The calling user's engine and state, also if the caller is root. */
  readonly user?: boolean | undefined;
  /** How many bytes a second berth downloads at most. */
  readonly limitRate?: number | undefined;
  /** Images come into berth's own store and wait there, whatever the engine is. */
  readonly downloadOnly?: boolean | undefined;
  /** Start an engine process for this host alone, also where one listens. */
  readonly alone?: boolean | undefined;
  /** How long to wait for other berths, in milliseconds; the default suits what is locked. */
  readonly lockPatience?: number | undefined;
  /** Leave registries alone as long as they asked earlier runs to, and write down what they ask of this one. */
  readonly obeysRetryTimes?: boolean | undefined;
}
