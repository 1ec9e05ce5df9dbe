import type { EngineId } from '../common/engine-id.ts';
import { LOOKUPS_AT_A_TIME } from '../common/limited.ts';
import { withLockIfFree } from '../common/process-lock.ts';
import { Semaphore } from '../common/semaphore.ts';
import type { Registry } from '../registry/registry.ts';
import { type Bytes, Downloads } from './download.ts';
import { type Layout, layoutAt } from './layout.ts';
import type { ManifestCache } from './manifest.ts';
import { recoverTemporary } from './partial.ts';
import type { PinCache } from './pins/pin-file.ts';

export interface StoreOptions {
  /** `store/` of the state directory; need not exist. */
  readonly directory: string;
  readonly registry: Registry;
  /** Blobs on this machine, possibly damaged; an undamaged one is copied instead of downloaded. */
  readonly nearby?: Bytes | undefined;
  /**
   * The engine of holds that are written without an engine, as earlier versions wrote them: `podman`, the
   * default; in a user's own state directory that user's podman.
   */
  readonly unnamedEngine?: EngineId | undefined;
}

/** The tools that the steps of the store share. */
export interface Store {
  readonly layout: Layout;
  readonly registry: Registry;
  readonly downloads: Downloads;
  readonly manifests: ManifestCache;
  readonly pinFiles: PinCache;
  readonly unnamedEngine: EngineId;
  /** The manifests and indexes that are being fetched, by digest; each promise ends with its fetch. */
  readonly documentsUnderWay: Map<string, Promise<void>>;
  /** Limits how many are held at a time: each may have four megabytes, and takes some twelve while it is parsed. */
  readonly documents: Semaphore;
  /** Cleans up after killed runs; does nothing after the first call. */
  readonly clearOnce: () => Promise<void>;
}

export function storeIn(options: StoreOptions): Store {
  const { directory, registry, nearby, unnamedEngine = 'podman' } = options;
  const layout = layoutAt(directory);
  let cleared: Promise<void> | undefined;
  return {
    layout,
    registry,
    downloads: new Downloads(layout, registry, nearby),
    manifests: new Map(),
    pinFiles: new Map(),
    unnamedEngine,
    documentsUnderWay: new Map(),
    documents: new Semaphore(LOOKUPS_AT_A_TIME),
    clearOnce: () => {
      cleared ??= withLockIfFree(layout.inUse, () => recoverTemporary(layout)).catch((error) => {
        cleared = undefined;
        throw error;
      });
      return cleared;
    },
  };
}
