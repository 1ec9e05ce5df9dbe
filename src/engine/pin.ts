import type { EngineId } from '../common/engine-id.ts';
import type { roles, updaters } from '../common/roots.ts';

type Updater = (typeof updaters)[number];

/** `held` is the role, in records, of a root that its updater has dropped. */
type Role = (typeof roles)[number] | 'held';

/** A name that an image serves, with its meaning when it was resolved. */
export interface PinnedName {
  readonly name: string;
  /** The digest that the name stood for: an index's, or the manifest's own. */
  readonly digest: string;
  readonly manifest: string;
}

export interface PinRequest {
  /** The engine's id of the image. */
  readonly id: string;
  readonly platform: string;
  readonly names: readonly PinnedName[];
  /** Whether berth fetched the image; if not, berth never removes it. */
  readonly fetched: boolean;
  /** The rest of the root's record, beside its images, so that the record can be rebuilt from pins. */
  readonly record: PinnedRecord;
}

export interface PinnedRecord {
  /** The root's location. */
  readonly location: string;
  /** The number of images in the record: if there are fewer pins, the record can't be rebuilt whole. */
  readonly images: number;
  /** The number of problems with bound references in the record. */
  readonly problems: number;
  /** When the root was staged, in ISO 8601. */
  readonly staged: string;
  /** The updater that knows the root, and the root's role; absent for a root that no updater knows. */
  readonly deployment?: { readonly updater: Updater; readonly role: Role } | undefined;
}

/** The engine's hold on one image on behalf of one root. */
export interface Pin extends PinRequest {
  /** The engine that holds the image, or for which it waits. */
  readonly engine: EngineId;
  readonly root: string;
  /** Whether a seal proves that berth wrote the pin; absent for an engine in which nobody else could. */
  readonly sealed?: boolean;
  /** Whether the pin claims without proof that berth fetched the image; `fetched` is false then. */
  readonly unproven?: boolean;
  /** The engine's own name for the pin: a container's id, a file. */
  readonly handle: string;
}
