import type { EngineId } from '../common/engine-id.ts';
import type { roles, updaters } from '../common/roots.ts';

type Updater = (typeof updaters)[number];

/** `held` is what records call a root that its updater has let go of. */
type Role = (typeof roles)[number] | 'held';

/** A name that an image serves, with what that name meant when it was resolved. */
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
  /** Whether berth brought the image here; if not, berth never removes it. */
  readonly fetched: boolean;
  /** The rest of the root's record, beside its images, so that it can be made again from pins. */
  readonly record: PinnedRecord;
}

export interface PinnedRecord {
  /** The root's location. */
  readonly location: string;
  /** How many images the record has: fewer pins than that are not the whole. */
  readonly images: number;
  /** How many problems on bound references it has. */
  readonly problems: number;
  /** When the root was staged, ISO 8601. */
  readonly staged: string;
  /** How it is known whether the root still lives; absent for one that no updater knows. */
  readonly deployment?: { readonly updater: Updater; readonly role: Role } | undefined;
}

/** The engine's hold on one image on behalf of one root. */
export interface Pin extends PinRequest {
  /** Where the image is held, or what it waits for. */
  readonly engine: EngineId;
  readonly root: string;
  /** Whether a seal proves that berth wrote it; absent where nobody else could. */
  readonly sealed?: boolean;
  /** Whether it says that berth brought the image, which nothing proves; `fetched` is false then. */
  readonly unproven?: boolean;
  /** The engine's own word for the pin: a container's id, a file. */
  readonly handle: string;
}
