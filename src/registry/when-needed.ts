import type { Registry } from './registry.ts';

/** The registries for a process that makes many runs. */
export interface LastingRegistry extends Registry {
  /**
   * Begins a run: everything that was read or learned about registries is forgotten. The next call reads
   * registries.conf, policy.json, credentials and certificates again, and asks every host again. Calls
   * under way end as they began; their connections close with the last of them.
   */
  beginRun(): void;
}

/**
 * A registry that is opened by the first request: a command that needs no registry, such as `verify` at
 * boot, neither pays for opening it nor fails because of its configuration.
 */
export function openWhenNeeded(open: () => Promise<Registry>): LastingRegistry {
  let current = new Opening(open);
  return {
    permit: (image, access, options) =>
      current.ask((registry) => registry.permit(image, access, options)),
    signatures: (image, access, signal) =>
      current.ask((registry) => registry.signatures(image, access, signal)),
    foresee: (name, judge) => current.ask((registry) => registry.foresee(name, judge)),
    resolve: (name, platform, access, signal) =>
      current.ask((registry) => registry.resolve(name, platform, access, signal)),
    resolveAll: (name, access, signal) =>
      current.ask((registry) => registry.resolveAll(name, access, signal)),
    manifest: (name, digest, access, signal) =>
      current.ask((registry) => registry.manifest(name, digest, access, signal)),
    download: (name, blob, access, into, watch) =>
      current.ask((registry) => registry.download(name, blob, access, into, watch)),
    credentials: (name, access) => current.ask((registry) => registry.credentials(name, access)),
    quickestReply: (name, access) =>
      current.ask((registry) => registry.quickestReply(name, access)),
    isLimited: (name, access) => current.ask((registry) => registry.isLimited(name, access)),
    beginRun: () => {
      current.closeWhenIdle();
      current = new Opening(open);
    },
    close: () => current.close(),
  };
}

/** One opened registry, from its first call until it is dropped. */
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
    // The callers were told why the registry could not be opened.
    this.#opened?.then(
      (registry) => registry.close(),
      () => undefined,
    );
  }
}
