import type { Registry } from './registry.ts';

/**
 * A registry that is opened when something is first asked of it: what needs no registry, such as
 * `verify` at boot, neither pays for it nor fails for a fault in its configuration.
 */
export function openWhenNeeded(open: () => Promise<Registry>): Registry {
  let opened: Promise<Registry> | undefined;
  const registry = () => (opened ??= open());
  return {
    permit: async (image, access, options) => (await registry()).permit(image, access, options),
    foresee: async (name, judge) => (await registry()).foresee(name, judge),
    resolve: async (name, platform, access, signal) =>
      (await registry()).resolve(name, platform, access, signal),
    resolveAll: async (name, access, signal) => (await registry()).resolveAll(name, access, signal),
    manifest: async (name, digest, access, signal) =>
      (await registry()).manifest(name, digest, access, signal),
    download: async (name, blob, access, into, watch) =>
      (await registry()).download(name, blob, access, into, watch),
    quickestReply: async (name, access) => (await registry()).quickestReply(name, access),
    close: () => {
      // One that could not be opened has told whoever asked.
      opened?.then(
        (real) => real.close(),
        () => undefined,
      );
    },
  };
}
