import type { EngineId } from '../common/engine-id.ts';

/** How to open this host. Every option is optional. */
export interface HostOptions {
  /** The engine; by default as berth.toml says, or else podman if it is found, or else berth's store. */
  readonly engine?: EngineId | undefined;
  /** berth's state directory; by default as the environment or berth.toml says, or else the usual one. */
  readonly stateDirectory?: string | undefined;
  /** A berth.toml to read instead of all others. */
  readonly config?: string | undefined;
  /** The calling user's engine and state, even if the caller is root. */
  readonly user?: boolean | undefined;
  /** The most bytes a second that berth downloads. */
  readonly limitRate?: number | undefined;
  /** Images are only downloaded to berth's own store and wait there, whatever the engine is. */
  readonly downloadOnly?: boolean | undefined;
  /** Start an engine process for this host alone, even if one listens. */
  readonly alone?: boolean | undefined;
  /** How long to wait for other berths, in milliseconds; by default, a time that suits each lock. */
  readonly lockPatience?: number | undefined;
  /**
   * Don't ask registries before the time that they told earlier runs, and record the times that they tell
   * this run.
   */
  readonly obeysRetryTimes?: boolean | undefined;
  /** No OS image is opened in place of a deployment's tree, because an image may have to be fetched. */
  readonly opensNoImages?: boolean | undefined;
  /** Record what names mean, for later runs. */
  readonly remembersNames?: boolean | undefined;
}
