import * as v from 'valibot';
import { repositoryOf } from '../../image/name.ts';
import { normalisePlatform, type Platform } from '../../image/platform.ts';
import { openRoot } from '../../root/open-root.ts';
import { type Root, RootError } from '../../root/root.ts';
import { etcDirectory, linkTarget } from '../../systemd/etc.ts';

/** A read-only image store of podman, which an additionalimagestore names: bootc's, say. */
export interface AdditionalStore {
  /** Where it is in the running system. */
  readonly directory: string;
  readonly images: readonly StoredImage[];
  /** Whether it has a list of them; where none is, nothing may be mounted. */
  readonly isListed: boolean;
  /** The platform of an image; undefined if its config can't be read. Reads the store again. */
  readonly platformOf: (image: StoredImage) => Platform | undefined;
}

/** Whether podman takes an image of a store for a name: a full one, with a tag or a digest. */
export function serves({ names, digests }: StoredImage, name: string): boolean {
  if (names.includes(name)) return true;
  const [repository, digest] = name.split('@');
  return (
    digest !== undefined &&
    digests.includes(digest) &&
    names.some((own) => repositoryOf(own) === repository)
  );
}

export interface StoredImage {
  /** `sha256:…`, of its config. */
  readonly id: string;
  readonly names: readonly string[];
  /** The digests of its manifests and index. */
  readonly digests: readonly string[];
}

/** containers/storage keeps its lists apart by the driver of its layers. */
const DRIVERS = ['overlay', 'vfs', 'btrfs', 'zfs'];

/** Room for some ten thousand images. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Source: containers/storage images.go (`Image`). It is read rather than asked for by podman: a
 * podman would have to be started for each store, which the hardened services may not, and one that
 * only looks into a store writes locks and directories there.
 */
const ImageList = v.array(
  v.object({
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    digest: v.optional(v.string()),
    names: v.optional(v.nullable(v.array(v.string()))),
    'big-data-digests': v.optional(v.nullable(v.record(v.string(), v.string()))),
  }),
);

export interface StoreOwner {
  readonly root: Root;
  /** Whether the root is of another machine, so that only what it has itself counts. */
  readonly foreign: boolean;
  /** The driver of the root's podman, which finds no images of other drivers. */
  readonly driver: string;
}

/**
 * Reads an additional store as a root's podman will see it: in the root itself, or, where its path
 * leads out of the tree (`/usr/lib/bootc/storage` is a link into `/sysroot`), in the running system.
 *
 * @param owner absent for what the running system has at the path.
 * @returns undefined if no such store is there, or it can't be read: podman fails with it.
 */
export function readAdditionalStore(path: string, owner?: StoreOwner): AdditionalStore | undefined {
  const drivers = owner === undefined ? DRIVERS : [owner.driver];
  const inRoot = owner === undefined ? undefined : readIn(using(owner.root), path, drivers);
  if (owner?.foreign === true || (inRoot !== undefined && !isShared(inRoot.realPath)))
    return inRoot;
  return readIn(inRunningSystem, owner === undefined ? path : leadsTo(owner.root, path), drivers);
}

/** A store that the roots of one machine share: in a tree there is but the empty directory. */
function isShared(realPath: string): boolean {
  return /^\/(?:run|sysroot|tmp|var)(?:\/|$)/.test(realPath);
}

type Use = <T>(work: (root: Root) => T) => T;

function using(root: Root): Use {
  return (work) => work(root);
}

const inRunningSystem: Use = (work) => {
  // As the OS: who may write a store says what is in it, and berth would take that for ready.
  const root = openRoot('/');
  try {
    return work(root);
  } finally {
    root.close();
  }
};

/** Where the booted root would be led. */
function leadsTo(root: Root, path: string): string {
  try {
    return linkTarget(root, etcDirectory(root), path);
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return path;
  }
}

function readIn(
  use: Use,
  path: string,
  drivers: readonly string[],
): (AdditionalStore & { readonly realPath: string }) | undefined {
  return use((root) => {
    const store = readable(() => root.lookup(path));
    if (store?.kind !== 'directory') return undefined;
    const { realPath } = store;
    const base = root.location.startsWith('/') ? root.location.replace(/\/$/, '') : '';
    const directory = `${base}${realPath}`;
    for (const lists of drivers.map((driver) => `${realPath}/${driver}-images`)) {
      const file = readable(() => root.readFile(`${lists}/images.json`, MAX_BYTES));
      if (file === null) return undefined;
      if (file === undefined) continue;
      const images = readable(() => v.parse(ImageList, JSON.parse(file.content.toString('utf8'))));
      if (images === null || images === undefined) return undefined;
      const platformOf = ({ id }: StoredImage) => use((again) => platformIn(again, lists, id));
      return { realPath, directory, images: images.map(imageOf), isListed: true, platformOf };
    }
    return { realPath, directory, images: [], isListed: false, platformOf: () => undefined };
  });
}

/** Source: containers/storage images.go (`makeBigDataBaseName`): the config under its digest. */
function platformIn(root: Root, lists: string, id: string): Platform | undefined {
  const name = `=${Buffer.from(id).toString('base64')}`;
  const path = `${lists}/${id.slice('sha256:'.length)}/${name}`;
  const text = readable(() => root.readFile(path))?.content.toString('utf8');
  const config = text === undefined ? undefined : readable(() => v.parse(Config, JSON.parse(text)));
  return config === undefined || config === null ? undefined : normalisePlatform(config);
}

const Config = v.pipe(
  v.object({ os: v.string(), architecture: v.string(), variant: v.optional(v.string()) }),
  v.transform(({ variant, ...rest }) => (variant ? { ...rest, variant } : rest)),
);

/** @returns null for what can't be read. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    const isUnreadable =
      error instanceof RootError || error instanceof SyntaxError || error instanceof v.ValiError;
    if (!isUnreadable) throw error;
    return null;
  }
}

function imageOf(image: v.InferOutput<typeof ImageList>[number]): StoredImage {
  const data = Object.entries(image['big-data-digests'] ?? {});
  const manifests = data.flatMap(([key, digest]) => (key.startsWith('manifest') ? [digest] : []));
  const digests = image.digest === undefined ? manifests : [image.digest, ...manifests];
  return {
    id: `sha256:${image.id}`,
    names: image.names ?? [],
    digests: [...new Set(digests.filter((digest) => /^sha256:[0-9a-f]{64}$/.test(digest)))],
  };
}
