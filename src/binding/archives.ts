import { append } from '../common/append.ts';
import type { EngineId } from '../common/engine-id.ts';
import { onceFor } from '../common/once-for.ts';
import type { Problem } from '../discovery/problem.ts';
import type { ArchivedImages, Reference } from '../discovery/reference.ts';
import type { Platform } from '../image/platform.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import { ARCHIVE, type Archive } from '../oci/archive/archive.ts';
import { archiveOfOne, onlyImage } from '../oci/archive/archived-images.ts';
import { checkBlobs } from '../oci/archive/check-blobs.ts';
import { readArchive } from '../oci/archive/read-archive.ts';
import { damaged, LayoutError } from '../oci/failure.ts';
import { type Root, RootError } from '../root/root.ts';
import { NamedImages } from './named-images.ts';

/** A reference whose archive, if it has one, was looked through. */
export interface ReadReference extends Reference {
  /** The image that podman takes from an archive whenever the unit starts. */
  readonly taken?: TakenImage;
}

/** An image in an archive of the root. */
export interface TakenImage {
  /** The archive as podman takes it: `docker-archive:/usr/share/app.tar`. */
  readonly text: string;
  readonly archive: Archive;
  readonly image: ResolvedImage;
}

/** The images of an archive that a unit or a list brings into an engine. */
export interface EngineArchive {
  readonly engine: EngineId;
  readonly archive: Archive;
}

/** The references, with the names of the images in archives, and the archives that fill engines. */
export interface ReadArchives {
  readonly references: readonly ReadReference[];
  readonly archives: readonly EngineArchive[];
}

/** In one root: a list can name an archive of many images on each of its lines. */
const MAX_NAMES = 100_000;

/** In one root: each of them may take a second to be looked through. */
const MAX_ARCHIVES = 500;

/** Looks through the archives that references name, each once, without reading the layers. */
export async function readArchives(
  root: Root,
  references: readonly Reference[],
  platform: Platform,
): Promise<ReadArchives> {
  if (references.every(({ archived }) => archived === undefined)) {
    return { references, archives: [] };
  }
  const open = opener(root);
  const all: ReadReference[] = [];
  const archives = new Map<string, EngineArchive>();
  const known = new NamedImages(platform);
  let names = 0;
  for (const reference of references) {
    const { archived } = reference;
    if (archived === undefined) {
      all.push(reference);
      continue;
    }
    const read = readOne(reference, archived, await open(reference, archived), platform);
    if (names + read.references.length > MAX_NAMES) {
      all.push(withProblem(reference, tooMany));
      continue;
    }
    names += read.references.length;
    // A unit that nothing starts fills no engine.
    const fills = reference.activation === 'none' ? undefined : read.fills;
    if (fills === undefined) {
      append(all, read.references);
      continue;
    }
    append(all, withClashes(read.references, known.add(fills.engine, fills.archive)));
    archives.set(`${fills.engine} ${archived.text} ${archived.as ?? ''}`, fills);
  }
  return { references: all, archives: [...archives.values()] };
}

function withClashes(
  references: readonly ReadReference[],
  clashes: ReadonlySet<string>,
): readonly ReadReference[] {
  if (clashes.size === 0) return references;
  return references.map((reference) =>
    reference.image !== undefined && clashes.has(reference.image)
      ? withProblem(reference, twoImages(reference.image))
      : reference,
  );
}

/** Whichever comes last at boot would have the name. */
function twoImages(name: string): Reason {
  return {
    message: `expected one image that is called ${name}, found another one in an archive for the same engine`,
    hint: 'give each image a name of its own, or remove one of the archives',
  };
}

type Opened = Archive | LayoutError;

/** Opens each archive once. podman reads an archive with the rights of the unit's user. */
function opener(root: Root) {
  const opened = new Map<string, Promise<Opened>>();
  return ({ scope }: Reference, { archive }: ArchivedImages): Promise<Opened> => {
    const view = scope === 'system' ? 'os' : 'public';
    const place = realPathOf(root.as(view), archive.path);
    const key = `${view} ${archive.transport} ${archive.isUnpacked ?? false} ${place}`;
    const isOneMore = !opened.has(key) && opened.size >= MAX_ARCHIVES;
    if (isOneMore) return Promise.resolve(oneMore(archive.path));
    const found = opened.get(key) ?? orError(readArchive(root, archive, view));
    opened.set(key, found);
    return found;
  };
}

/** A list may name one archive by many links and spellings. */
function realPathOf(root: Root, path: string): string {
  try {
    return root.lookup(path)?.realPath ?? path;
  } catch (error) {
    // Reading the archive says it again, in other words.
    if (error instanceof RootError) return path;
    throw error;
  }
}

function oneMore(path: string): LayoutError {
  return damaged(ARCHIVE, path, `one of at most ${MAX_ARCHIVES} archives of the root`, 'one more');
}

async function orError<T>(work: Promise<T>): Promise<T | LayoutError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LayoutError) return error;
    throw error;
  }
}

interface ReadOne {
  readonly references: readonly ReadReference[];
  readonly fills?: EngineArchive;
}

/** A reference for each image that is taken from the archive, or one with a problem. */
function readOne(
  reference: Reference,
  archived: ArchivedImages,
  archive: Opened,
  platform: Platform,
): ReadOne {
  if (archive instanceof LayoutError) return { references: [faulty(reference, archive)] };
  const { use, as } = archived;
  const isOne = use === 'at-start' || as !== undefined || archived.archive.ref !== undefined;
  if (!isOne) return allOf(reference, archive);
  const known = singlesOf(archive);
  const key = JSON.stringify([archived.text, as]);
  const single = known.get(key) ?? singleOf(archive, archived, platform);
  known.set(key, single);
  if (single instanceof LayoutError) return { references: [faulty(reference, single)] };
  const { one, name, image } = single;
  const taken = use === 'at-start' ? { taken: { text: archived.text, archive: one, image } } : {};
  return { references: [{ ...reference, image: name, ...taken }], ...filled(reference, one) };
}

/** An image that a unit takes from an archive, cut out into an archive that holds nothing else. */
interface Single {
  readonly one: Archive;
  readonly name: string;
  readonly image: ResolvedImage;
}

/** The single images of an archive that were looked up: many units may take the same one. */
const singlesOf = onceFor<Archive, Map<string, Single | LayoutError>>(() => new Map());

function singleOf(
  archive: Archive,
  { archive: named, as }: ArchivedImages,
  platform: Platform,
): Single | LayoutError {
  try {
    const one = archiveOfOne(archive, named, as);
    const name = one.images[0]?.names[0] ?? labelOf(archive);
    return { one, name, image: onlyImage(one, name, platform) };
  } catch (error) {
    if (error instanceof LayoutError) return error;
    throw error;
  }
}

function allOf(reference: Reference, archive: Archive): ReadOne {
  const names = new Set(archive.images.flatMap((image) => image.names));
  if (names.size === 0) return { references: [withProblem(reference, unnamed(archive))] };
  return {
    references: [...names].map((image) => ({ ...reference, image })),
    ...filled(reference, archive),
  };
}

function filled({ engine }: Reference, archive: Archive): Pick<ReadOne, 'fills'> {
  return engine === undefined ? {} : { fills: { engine, archive } };
}

/**
 * A name for an image that the archive leaves without one. podman 4 makes a name of the path, podman 5 gives
 * none; so the name only stands for the image in what berth prints.
 */
function labelOf({ path }: Archive): string {
  const parts = path
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== '');
  return `localhost/${parts.join('/').slice(-200)}:latest`;
}

function faulty(reference: Reference, { message, hint }: LayoutError): ReadReference {
  const { image: _, ...rest } = reference;
  return withProblem(rest, { message, hint });
}

function unnamed({ path }: Archive) {
  return {
    message: `${path} of the root: expected images with full names, found none`,
    hint: 'name the image when the archive is made: `podman save NAME`',
  };
}

const tooMany: Reason = {
  message: `expected at most ${MAX_NAMES} images in the archives of the root, found more`,
  hint: 'name only the archives that are needed',
};

type Reason = Pick<Problem, 'message' | 'hint'>;

function withProblem(reference: Reference, reason: Reason): ReadReference {
  return { ...reference, problems: [...reference.problems, problemAt(reference, reason)] };
}

function problemAt(
  { path, line, unit, unitPath, bind }: Reference,
  { message, hint }: Reason,
): Problem {
  const subject = { unit, unitPath, ...(bind === undefined ? {} : { bind }) };
  return { code: 'archive', path, line, message, hint, subject };
}

/** A reference whose unit can't start, as the archive that podman takes the image from is damaged. */
export interface DamagedReference<Ref extends ReadReference> {
  readonly reference: Ref;
  readonly problem: Problem;
}

/** Reads the images that podman takes from archives whole, each once. */
export async function damagedArchives<Ref extends ReadReference>(
  root: Root,
  references: readonly Ref[],
): Promise<readonly DamagedReference<Ref>[]> {
  const checked = new Map<string, Promise<LayoutError | undefined>>();
  const damaged: DamagedReference<Ref>[] = [];
  for (const reference of references) {
    if (reference.taken === undefined) continue;
    const { archive, image } = reference.taken;
    const key = `${archive.view} ${image.manifest} ${archive.path}`;
    const found = checked.get(key) ?? orNothing(checkBlobs(root, archive, image));
    checked.set(key, found);
    const error = await found;
    if (error !== undefined) damaged.push({ reference, problem: problemAt(reference, error) });
  }
  return damaged;
}

async function orNothing(work: Promise<void>): Promise<LayoutError | undefined> {
  const found = await orError(work);
  return found instanceof LayoutError ? found : undefined;
}
