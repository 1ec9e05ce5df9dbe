import * as v from 'valibot';
import { repositoryOf } from '../image/name.ts';
import { openRoot } from '../root/open-root.ts';
import { type Root, RootError } from '../root/root.ts';

/** A read-only image store of podman, which an additionalimagestore names: bootc's, say. */
export interface AdditionalStore {
  /** Where it is in the running system. */
  readonly directory: string;
  readonly images: readonly StoredImage[];
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

interface StoredImage {
  /** `sha256:…`, of its config. */
  readonly id: string;
  readonly names: readonly string[];
  /** Of its manifests and index. */
  readonly digests: readonly string[];
}

/** containers/storage keeps its lists apart by the driver of its layers. */
const LISTS = ['overlay-images/images.json', 'vfs-images/images.json', 'btrfs-images/images.json'];

/** Room for some ten thousand images. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Source: containers/storage images.go (`Image`). It is read rather than asked for by podman: a
 * podman would have to be started for each store, and what may not start one could not tell.
 */
const ImageList = v.array(
  v.object({
    id: v.string(),
    digest: v.optional(v.string()),
    names: v.optional(v.nullable(v.array(v.string()))),
    'big-data-digests': v.optional(v.nullable(v.record(v.string(), v.string()))),
  }),
);

/**
 * Reads an additional store as a root's podman will see it: in the root itself, or, where its path
 * leads out of the tree (`/usr/lib/bootc/storage` is a link into `/sysroot`), in the running system.
 *
 * @param root undefined for what the running system has at the path.
 * @param foreign whether the root is of another machine, so that only what it has itself counts.
 * @returns undefined if no such store is there, or it can't be read.
 */
export function readAdditionalStore(
  path: string,
  root?: Root,
  foreign = false,
): AdditionalStore | undefined {
  const inRoot = root === undefined ? undefined : readIn(root, path);
  if (inRoot !== undefined || foreign) return inRoot;
  const host = openRoot('/');
  try {
    return readIn(host, root === undefined ? path : leadsTo(root, path));
  } finally {
    host.close();
  }
}

/** A link's target as the booted root would follow it, if the tree itself does not have it. */
function leadsTo(root: Root, path: string): string {
  try {
    const target = root.readLink(path);
    return target?.startsWith('/') === true ? target : path;
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return path;
  }
}

function readIn(root: Root, path: string): AdditionalStore | undefined {
  for (const list of LISTS) {
    try {
      const file = root.readFile(`${path}/${list}`, MAX_BYTES);
      if (file === undefined) continue;
      const images = v.parse(ImageList, JSON.parse(file.content.toString('utf8')));
      const real = file.realPath.slice(0, -list.length - 1);
      const base = root.location.startsWith('/') ? root.location.replace(/\/$/, '') : '';
      return { directory: `${base}${real}`, images: images.map(imageOf) };
    } catch (error) {
      const isUnreadable =
        error instanceof RootError || error instanceof SyntaxError || error instanceof v.ValiError;
      if (!isUnreadable) throw error;
      return undefined;
    }
  }
  return undefined;
}

function imageOf(image: v.InferOutput<typeof ImageList>[number]): StoredImage {
  const data = Object.entries(image['big-data-digests'] ?? {});
  const manifests = data.flatMap(([key, digest]) => (key.startsWith('manifest') ? [digest] : []));
  const digests = image.digest === undefined ? manifests : [image.digest, ...manifests];
  return { id: `sha256:${image.id}`, names: image.names ?? [], digests: [...new Set(digests)] };
}
