import * as v from 'valibot';
import { parseBy } from '../../common/check-by.ts';
import { repositoryOf } from '../../image/name.ts';
import { normalisePlatform, type Platform } from '../../image/platform.ts';
import { openRoot } from '../../root/open-root.ts';
import { type Root, RootError } from '../../root/root.ts';
import { etcDirectory, linkTarget } from '../../systemd/etc.ts';

/** A read-only image store that podman's `additionalimagestore` setting names, such as bootc's. */
export interface AdditionalStore {
  /** The store's directory in the running system. */
  readonly directory: string;
  readonly images: readonly StoredImage[];
  /** Whether the store has a list of images. Without one, its file system may not be mounted. */
  readonly isListed: boolean;
  /** The platform of an image; undefined if its config can't be read. Each call reads the store again. */
  readonly platformOf: (image: StoredImage) => Platform | undefined;
}

/** Whether podman finds the image by this full name, which has a tag or a digest. */
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
  /** `sha256:…`, the digest of the config. */
  readonly id: string;
  readonly names: readonly string[];
  /** The digests of the image's manifests and index. */
  readonly digests: readonly string[];
}

/** containers/storage keeps separate lists for each storage driver. */
const DRIVERS = ['overlay', 'vfs', 'btrfs', 'zfs'];

/** Enough for some ten thousand images. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Source: containers/storage images.go (`Image`). berth reads the list rather than ask podman: each store
 * would need a podman of its own, which the hardened services may not start, and podman writes locks and
 * directories even into a store that it only lists.
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
  /** Whether the root belongs to another machine: then only stores inside the root count. */
  readonly foreign: boolean;
  /** The storage driver of the root's podman, which finds no images of other drivers. */
  readonly driver: string;
}

/**
 * Reads an additional store as the root's podman will see it. If the path leads out of the tree
 * (`/usr/lib/bootc/storage` is a link into `/sysroot`), the store of the running system is read.
 *
 * @param owner absent to read the store that the running system has at the path.
 * @returns undefined if no such store is there, or if it can't be read: podman fails with it too.
 */
export function readAdditionalStore(path: string, owner?: StoreOwner): AdditionalStore | undefined {
  const drivers = owner === undefined ? DRIVERS : [owner.driver];
  const inRoot = owner === undefined ? undefined : readIn(using(owner.root), path, drivers);
  if (owner?.foreign === true || (inRoot !== undefined && !isShared(inRoot.realPath)))
    return inRoot;
  return readIn(inRunningSystem, owner === undefined ? path : leadsTo(owner.root, path), drivers);
}

/**
 * Whether the roots of one machine share the store; the tree then has only an empty directory in its place.
 */
function isShared(realPath: string): boolean {
  return /^\/(?:run|sysroot|tmp|var)(?:\/|$)/.test(realPath);
}

type Use = <T>(work: (root: Root) => T) => T;

function using(root: Root): Use {
  return (work) => work(root);
}

const inRunningSystem: Use = (work) => {
  // In the OS view: whoever can write a store decides what is in it, and berth would take that for ready.
  const root = openRoot('/');
  try {
    return work(root);
  } finally {
    root.close();
  }
};

/** Where the path leads in the booted root. */
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
      const images = readable(() => parseBy(ImageList, JSON.parse(file.content.toString('utf8'))));
      if (images === null || images === undefined) return undefined;
      const platformOf = ({ id }: StoredImage) => use((again) => platformIn(again, lists, id));
      return { realPath, directory, images: images.map(imageOf), isListed: true, platformOf };
    }
    return { realPath, directory, images: [], isListed: false, platformOf: () => undefined };
  });
}

/** Source: containers/storage images.go (`makeBigDataBaseName`): the config is stored under its digest. */
function platformIn(root: Root, lists: string, id: string): Platform | undefined {
  const name = `=${Buffer.from(id).toString('base64')}`;
  const path = `${lists}/${id.slice('sha256:'.length)}/${name}`;
  const text = readable(() => root.readFile(path))?.content.toString('utf8');
  const config = text === undefined ? undefined : readable(() => parseBy(Config, JSON.parse(text)));
  return config === undefined || config === null ? undefined : normalisePlatform(config);
}

const Config = v.pipe(
  v.object({ os: v.string(), architecture: v.string(), variant: v.optional(v.string()) }),
  v.transform(({ variant, ...rest }) => (variant ? { ...rest, variant } : rest)),
);

/** @returns null if reading fails. */
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
