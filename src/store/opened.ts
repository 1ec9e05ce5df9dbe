import { withLockIfFree } from '../common/process-lock.ts';
import type { Registry } from '../registry/registry.ts';
import { type Bytes, Downloads } from './download.ts';
import { type Layout, layoutAt } from './layout.ts';
import type { ManifestCache } from './manifest.ts';
import { recoverTemporary } from './partial.ts';
import type { PinCache } from './pin-file.ts';

export interface StoreOptions {
  /** `store/` of the state directory; need not exist. */
  readonly directory: string;
  readonly registry: Registry;
  /** Blobs on this machine, possibly damaged; an undamaged one is copied instead of downloaded. */
  readonly nearby?: Bytes | undefined;
}

/** The tools that the steps of the store share. */
export interface Store {
  readonly layout: Layout;
  readonly registry: Registry;
  readonly downloads: Downloads;
  readonly manifests: ManifestCache;
  readonly pinFiles: PinCache;
  /** Cleans up after killed runs; does nothing after the first call. */
  readonly clearOnce: () => Promise<void>;
}

export function storeIn({ directory, registry, nearby }: StoreOptions): Store {
  const layout = layoutAt(directory);
  let cleared: Promise<void> | undefined;
  return {
    layout,
    registry,
    downloads: new Downloads(layout, registry, nearby),
    manifests: new Map(),
    pinFiles: new Map(),
    clearOnce: () => {
      cleared ??= withLockIfFree(layout.inUse, () => recoverTemporary(layout)).catch((error) => {
        cleared = undefined;
        throw error;
      });
      return cleared;
    },
  };
}
