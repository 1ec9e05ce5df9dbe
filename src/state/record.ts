import * as v from 'valibot';
import type { EngineId } from '../common/engine-id.ts';
import { isRootId, roles, updaters } from '../common/roots.ts';
import { API_VERSION } from '../common/version.ts';
import { EngineIdText } from '../engine/engine-id-schema.ts';
import { isNameOrId } from '../image/name.ts';

const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));

/**
 * Ids and names in files of the state directory are checked, because an id becomes a path, and names are
 * given to images.
 */
export const RootId = v.pipe(v.string(), v.check(isRootId, 'expected the id of a root'));

export const ImageName = v.pipe(v.string(), v.check(isNameOrId, 'expected a full image name'));

export const ImageId = digest;

const RecordReference = v.object({
  raw: v.string(),
  path: v.string(),
  line: v.number(),
  key: v.string(),
  unit: v.string(),
  /** The manager that runs the unit, unless it is the system's: `user`, `user:UID`. */
  scope: v.optional(v.string()),
  /** The service of the `.image` unit that pulls the image for this unit. */
  imageService: v.optional(v.string()),
});

const RecordName = v.object({
  /** The full name, with the meaning that it has in units. */
  name: ImageName,
  /** The digest that the name had when it was resolved: an index's, or the manifest's own. */
  digest,
  references: v.array(RecordReference),
});

const RecordImage = v.object({
  /** The engine that has the image; absent if it is the record's engine. */
  engine: v.optional(EngineIdText),
  /** The engine's id of the image. */
  id: digest,
  manifest: digest,
  /** The image is an OCI artifact: it has no pin. */
  artifact: v.optional(v.literal(true)),
  platform: v.string(),
  /** Compressed size in bytes; 0 if no longer known. */
  size: v.number(),
  /** Whether berth fetched the image. */
  fetched: v.boolean(),
  /** The engine lacked the image when the stage that has not ended began. */
  lacking: v.optional(v.literal(true)),
  names: v.array(RecordName),
});

const RecordProblem = v.object({
  code: v.string(),
  path: v.string(),
  line: v.optional(v.number()),
  message: v.string(),
  hint: v.string(),
});

/**
 * A name that an image in a read-only store of podman serves, or one in an archive of the root: berth neither
 * fetches nor pins it.
 */
const RecordProvided = v.object({
  /** The podman that looks into the store; absent if it is the record's engine. */
  engine: v.optional(EngineIdText),
  name: ImageName,
  digest,
  id: digest,
  /** The store's directory in the running system, or the archive inside the root. */
  directory: v.string(),
  /** Set if podman takes the image from an archive whenever the unit starts. */
  archive: v.optional(
    v.object({
      /** As podman takes it: `docker-archive:/usr/share/app.tar`. */
      name: v.string(),
      /** In bytes, of all its files. */
      size: v.number(),
    }),
  ),
  references: v.array(RecordReference),
});

/** The modes of `--bind`, as berth.toml spells them. */
const Bind = v.picklist(['linked', 'enabled', 'all']);

const Contents = v.object({
  /** ISO 8601. */
  time: v.string(),
  /** The `--bind` of the stage; later stages without the flag obey it too. */
  bind: v.optional(Bind),
  /** How many references to images the root has, where none of them is bound. */
  unbound: v.optional(v.number()),
  /** The engines that bound images need and that the stage left out, because it was for one engine alone. */
  leftOut: v.optional(v.array(EngineIdText)),
  /** The UIDs of users whose podman is among the engines, by name, in the passwd of the root. */
  users: v.optional(v.record(v.string(), v.number())),
  images: v.array(RecordImage),
  /** Problems with bound references; with any of them the root is not ready. */
  problems: v.array(RecordProblem),
  /** Bound names that could not be resolved; not empty only after a failed stage. */
  unresolved: v.array(v.string()),
  provided: v.optional(v.array(RecordProvided)),
});

/** An image that berth fetched for the root and that the root no longer needs: `prune` may remove it. */
const Released = v.object({
  /** The engine that has the image; absent if it is the record's engine. */
  engine: v.optional(EngineIdText),
  id: digest,
  names: v.array(ImageName),
  size: v.number(),
});

/** An image, its pin or one of its names that somebody removed, which `on-force` leaves removed. */
const Removed = v.object({
  engine: EngineIdText,
  id: digest,
  /** The name, if only that was removed. */
  name: v.optional(ImageName),
  /** When it was missed, ISO 8601. */
  time: v.string(),
});

/** The root's deployment, as its updater described it the last time. */
const RecordDeployment = v.object({
  updater: v.picklist(updaters),
  /** `held`: the deployment was queued, and was dropped before it was finalised. */
  role: v.picklist([...roles, 'held']),
  /** Since when the root is `held`, ISO 8601. */
  since: v.optional(v.string()),
  /** The OS image's version, which shows that a tree was changed under the same id. */
  version: v.optional(v.string()),
  /** The boot entry of a queued deployment is written: if the deployment goes, somebody has removed it. */
  finalised: v.optional(v.literal(true)),
});

export const RecordFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Record'),
  id: RootId,
  location: v.string(),
  /** The engine that keeps the images of which nothing else is said. */
  engine: EngineIdText,
  /** The contents of the last stage that ended. */
  staged: v.optional(Contents),
  /** A stage that has begun and not ended. Only its pins say which of its images were fetched. */
  pending: v.optional(Contents),
  released: v.array(Released),
  /** Absent for a root that was staged from a plain directory. */
  deployment: v.optional(RecordDeployment),
  /**
   * The images that names of the running root mean since somebody else moved them (auto-update, or by
   * hand). They are pinned, and the names are left alone, until another root is booted.
   */
  drift: v.optional(v.array(RecordImage)),
  /** What is not put back until the next stage. */
  removed: v.optional(v.array(Removed)),
  /** The parts of the names above that come from files that not everybody may read, and their stand-ins. */
  concealed: v.optional(v.array(v.object({ text: v.string(), shown: v.string() }))),
});

export type RecordFile = v.InferOutput<typeof RecordFile>;

/** A record in memory: each image has its engine. */
export interface RootRecord extends Omit<RecordFile, 'staged' | 'pending' | 'drift' | 'released'> {
  staged?: Contents | undefined;
  pending?: Contents | undefined;
  drift?: RecordImage[] | undefined;
  released: Released[];
}

export interface Contents extends Omit<v.InferOutput<typeof Contents>, 'images' | 'provided'> {
  images: RecordImage[];
  provided?: RecordProvided[] | undefined;
}

export interface RecordImage extends v.InferOutput<typeof RecordImage> {
  engine: EngineId;
}

export interface Released extends v.InferOutput<typeof Released> {
  engine: EngineId;
}

export type Removed = v.InferOutput<typeof Removed>;

export type RecordReference = v.InferOutput<typeof RecordReference>;

export interface RecordProvided extends v.InferOutput<typeof RecordProvided> {
  engine: EngineId;
}

export type RecordProblem = v.InferOutput<typeof RecordProblem>;

export type RecordDeployment = v.InferOutput<typeof RecordDeployment>;

/** Whether the record wants any image kept; the record of a released root does not. */
export function isLiving(record: RootRecord): boolean {
  return record.staged !== undefined || record.pending !== undefined;
}

/** The `--bind` of the last stage with one, whether or not that stage came to its end. */
export function bindOf(record: RootRecord | undefined): Contents['bind'] {
  return (record?.pending ?? record?.staged)?.bind;
}

/** Every image that a record wants kept: those of the last whole stage, of one under way, and of drift. */
export function wantedImages(record: RootRecord): readonly RecordImage[] {
  return [
    ...(record.staged?.images ?? []),
    ...(record.pending?.images ?? []),
    ...(record.drift ?? []),
  ];
}

/** The image that a name has come to mean by drift, if any. */
export function driftOf(record: RootRecord, name: string): RecordImage | undefined {
  return record.drift?.find((image) => image.names.some((served) => served.name === name));
}

/** The image in its engine as a text: engines may have images with the same id. */
export function placeOf({
  engine,
  id,
}: {
  readonly engine: EngineId;
  readonly id: string;
}): string {
  return `${engine} ${id}`;
}

/** The images in one order, whether they come from one stage for all engines or from one for each. */
export function inOrder(images: readonly RecordImage[]): RecordImage[] {
  return images.toSorted((a, b) => (a.engine < b.engine ? -1 : Number(a.engine > b.engine)));
}

/** Turns the file of a record into a record. */
export function recordIn(file: RecordFile): RootRecord {
  const placed = <T extends { readonly engine?: EngineId | undefined }>(image: T) => ({
    ...image,
    engine: image.engine ?? file.engine,
  });
  return withImages(file, placed<FileImage>, placed<FileReleased>, placed<FileProvided>);
}

/** Turns a record into its file, in which an image has an engine only if that is not the record's. */
export function fileOf(record: RootRecord): RecordFile {
  const unplaced = <T extends { readonly engine: EngineId }>(image: T) => {
    const { engine, ...rest } = image;
    return engine === record.engine ? rest : image;
  };
  return withImages(record, unplaced<RecordImage>, unplaced<Released>, unplaced<RecordProvided>);
}

/** The record with the images of some engines alone. */
export function onEngines(record: RootRecord, isMeant: (engine: EngineId) => boolean): RootRecord {
  const only = <T extends { readonly engine: EngineId }>(images: readonly T[]): T[] =>
    images.filter(({ engine }) => isMeant(engine));
  const own = ({ images, provided, ...rest }: Contents): Contents => ({
    ...rest,
    images: only(images),
    ...(provided === undefined ? {} : { provided: only(provided) }),
  });
  const { staged, pending, drift } = record;
  return {
    ...record,
    ...(staged === undefined ? {} : { staged: own(staged) }),
    ...(pending === undefined ? {} : { pending: own(pending) }),
    released: only(record.released),
    ...(drift === undefined ? {} : { drift: only(drift) }),
  };
}

/** A record in which `podman` is the podman of one user, as records of earlier versions mean it there. */
export function withOwnPodman(record: RootRecord, own: EngineId): RootRecord {
  const named = <T extends { readonly engine: EngineId }>(one: T): T =>
    one.engine === 'podman' ? { ...one, engine: own } : one;
  return withImages(named(record), named<RecordImage>, named<Released>, named<RecordProvided>);
}

/** The engines of all images that a record names, also of those in read-only stores. */
export function enginesOf(record: RootRecord): ReadonlySet<EngineId> {
  const provided = [record.staged, record.pending].flatMap((contents) => contents?.provided ?? []);
  const images = [...wantedImages(record), ...record.released, ...provided];
  return new Set(images.map(({ engine }) => engine));
}

type FileImage = v.InferOutput<typeof RecordImage>;

type FileReleased = v.InferOutput<typeof Released>;

type FileProvided = v.InferOutput<typeof RecordProvided>;

type With<Image, Gone, Lent> = Omit<RecordFile, 'staged' | 'pending' | 'drift' | 'released'> & {
  staged?: WithImages<Image, Lent> | undefined;
  pending?: WithImages<Image, Lent> | undefined;
  drift?: Image[] | undefined;
  released: Gone[];
};

type WithImages<Image, Lent> = Omit<Contents, 'images' | 'provided'> & {
  images: Image[];
  provided?: Lent[] | undefined;
};

/** Changes all that a record says of images. */
function withImages<Image, Gone, Lent, ToImage, ToGone, ToLent>(
  record: With<Image, Gone, Lent>,
  change: (image: Image) => ToImage,
  changeReleased: (image: Gone) => ToGone,
  changeProvided: (entry: Lent) => ToLent,
): With<ToImage, ToGone, ToLent> {
  const { apiVersion, kind, id, location, engine, staged, pending, drift, released, ...rest } =
    record;
  const changed = ({
    images,
    provided,
    ...others
  }: WithImages<Image, Lent>): WithImages<ToImage, ToLent> => ({
    ...others,
    images: images.map(change),
    ...(provided === undefined ? {} : { provided: provided.map(changeProvided) }),
  });
  return {
    apiVersion,
    kind,
    id,
    location,
    engine,
    ...(staged === undefined ? {} : { staged: changed(staged) }),
    ...(pending === undefined ? {} : { pending: changed(pending) }),
    released: released.map(changeReleased),
    ...rest,
    ...(drift === undefined ? {} : { drift: drift.map(change) }),
  };
}
