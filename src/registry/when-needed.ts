import type { Registry } from './registry.ts';

/** The registries for a process that makes many runs. */
export interface LastingRegistry extends Registry {
  /**
   * Begins a run: all that was read and all that registries have shown is forgotten. The next call
   * reads registries.conf, policy.json, credentials and certificates anew, and asks every host again.
   * Calls under way end as they began, and their connections with the last of them.
   */
  beginRun(): void;
}

/**
 * A registry that is opened when something is first asked of it: what needs no registry, such as
 * `verify` at boot, neither pays for it nor fails for a fault in its configuration.
 */
export function openWhenNeeded(open: () => Promise<Registry>): LastingRegistry {
  let current = new Opening(open);
  return {
    permit: (image, access, options) =>
      current.ask((registry) => registry.permit(image, access, options)),
    foresee: (name, judge) => current.ask((registry) => registry.foresee(name, judge)),
    resolve: (name, platform, access, signal) =>
      current.ask((registry) => registry.resolve(name, platform, access, signal)),
    resolveAll: (name, access, signal) =>
      current.ask((registry) => registry.resolveAll(name, access, signal)),
    manifest: (name, digest, access, signal) =>
      current.ask((registry) => registry.manifest(name, digest, access, signal)),
    download: (name, blob, access, into, watch) =>
      current.ask((registry) => registry.download(name, blob, access, into, watch)),
    quickestReply: (name, access) =>
      current.ask((registry) => registry.quickestReply(name, access)),
    beginRun: () => {
      current.closeWhenIdle();
      current = new Opening(open);
    },
    close: () => current.close(),
  };
}

/** One registry, from the first call until it is let go of. */
class Opening {
  readonly #open: () => Promise<Registry>;
  #opened: Promise<Registry> | undefined;
  #callsUnderWay = 0;
  #isLetGoOf = false;

  constructor(open: () => Promise<Registry>) {
    this.#open = open;
  }

  async ask<T>(call: (registry: Registry) => Promise<T>): Promise<T> {
    this.#callsUnderWay++;
    try {
      return await call(await (this.#opened ??= this.#open()));
    } finally {
      this.#callsUnderWay--;
      if (this.#isLetGoOf) this.closeWhenIdle();
    }
  }

  closeWhenIdle(): void {
    this.#isLetGoOf = true;
    if (this.#callsUnderWay === 0) this.close();
  }

  close(): void {
    // Whoever asked was told why the registry could not be opened.
    this.#opened?.then(
      (registry) => registry.close(),
      () => undefined,
    );
  }
}
