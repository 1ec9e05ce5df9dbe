import type { EngineId } from '../common/engine-id.ts';
import type { Engine } from './engine.ts';

/** The engines of this host, opened when they are needed. */
export interface Engines {
  /** The podman of the system, or of the calling user: what Quadlet units start runs there. */
  readonly own: EngineId;
  /** The engine for images that no file of a root names: those of `pull` and `pin`. */
  readonly usual: EngineId;
  /** The engine that takes every image in this run, whoever will run it. */
  readonly all?: EngineId | undefined;
  /** The engine for the images of lists that do not name one. */
  readonly lists?: EngineId | undefined;
  /** The only engine that this run looks at. */
  readonly only?: EngineId | undefined;

  /** The engines for which images wait in berth's own store, whatever the records say. */
  waitedFor(): Promise<readonly EngineId[]>;

  /**
   * The engines of the system that run now, whether or not a record has images on them. None is started for that.
   * Undefined for a run that has an engine of its own.
   */
  readonly present?: (() => Promise<readonly EngineId[]>) | undefined;

  /**
   * Opens an engine on first use, and keeps it open. An engine that this host lacks, or that can't be
   * reached for as long as something is missing, opens as an absent one (`Engine.absence`).
   *
   * @throws {EngineError} if an engine that should be there fails.
   */
  open(id: EngineId): Promise<Engine>;

  /**
   * Closes an engine, so that the next `open` looks for the engine again: one that was absent may have come meanwhile.
   * What is still asked of the closed one fails. Undefined in short runs, which open an engine once.
   */
  readonly forget?: ((id: EngineId) => Promise<void>) | undefined;
}
