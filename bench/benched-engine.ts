import { writeRoot } from '../test/support/berth.ts';
import { isolated } from '../test/support/podman.ts';

/** An engine, as the rows of the table need it. `E` is such an engine with a store of its own, which runs. */
export interface BenchedEngine<E> {
  /** As berth calls it. */
  readonly name: string;
  /** The release of Debian whose engine it is, if it is not the machine's own. */
  readonly release?: string;
  /** The engine's own way to pull, as the table calls it. */
  readonly pulls: string;
  /** Starts the engine with an empty store in a directory that exists. */
  readonly start: (directory: string, registry: string) => Promise<E>;
  /** The variables by which berth finds the engine. */
  readonly environment: (engine: E) => NodeJS.ProcessEnv;
  /** Has the engine's own program pull an image. */
  readonly pull: (engine: E, name: string) => Promise<unknown>;
  readonly stop: (engine: E) => Promise<unknown>;
}

/** Writes an OS that runs images with an engine. @returns its directory. */
export function writeOs(
  root: string,
  { name }: Pick<BenchedEngine<never>, 'name'>,
  images: readonly string[],
): string {
  const list = images.map((image) => `${image}\n`).join('');
  return writeRoot(root, { 'usr/lib/berth/images.d/os.list': `# engine: ${name}\n${list}` });
}

/** The environment of a berth that has everything in one directory. */
export function environmentIn(
  directory: string,
  registry: string,
  ofEngine: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return {
    ...isolated(directory, [registry]),
    ...ofEngine,
    BERTH_STATE_DIR: `${directory}/state`,
  };
}
