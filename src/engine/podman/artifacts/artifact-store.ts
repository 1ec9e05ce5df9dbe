import { formatPlatform, hostPlatform } from '../../../image/platform.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Access } from '../../../registry/access.ts';
import type { Images } from '../../engine.ts';
import { accessOf } from '../../source.ts';
import type { PodmanApi } from '../api/api.ts';
import type { Pulls } from '../fetch/pull.ts';
import { imagesOf, listArtifacts, type StoredArtifact } from './artifacts.ts';
import { fetchArtifact, nameArtifact, type PullArtifact } from './fetch.ts';
import { withArtifacts } from './footprint.ts';
import { removeArtifact } from './remove.ts';

interface ArtifactTools {
  readonly api: PodmanApi;
  readonly pulls: Pulls;
  /** The directory of podman's storage. */
  readonly storage: () => Promise<string>;
  /** Whether this podman has an artifact store that berth reaches. */
  readonly keeps: () => boolean;
}

/** podman's images and the artifacts of its artifact store, as one collection. */
export function withArtifactStore(images: Images, tools: ArtifactTools): Images {
  const { api, pulls, storage, keeps } = tools;
  const list = async () => (keeps() ? listArtifacts(api) : []);
  const pull: PullArtifact = (name, image, access, watch) =>
    pulls.pullArtifact(name, image, access, watch);
  const lastFetched = new LastFetched();
  return {
    ...images,
    idOf: (image) => (image.artifact === true ? image.manifest : images.idOf(image)),
    images: async () => {
      const [own, artifacts] = await Promise.all([images.images(), list()]);
      return [...own, ...imagesOf(artifacts)];
    },
    has: async (id) => (await images.has(id)) || has(await list(), id),
    footprint: async (all) => {
      const isImage = ({ artifact }: ResolvedImage) => artifact !== true;
      const ofImages = await images.footprint(all.filter(isImage));
      if (all.every(isImage)) return ofImages;
      return withArtifacts(all, ofImages, await list(), await storage());
    },
    freed: async (ids) => {
      const own = imagesOf(await list()).filter(({ id }) => ids.has(id));
      return own.reduce((sum, { size }) => sum + size, await images.freed(ids));
    },
    fetch: async (image, source, watch) => {
      if (image.artifact !== true) return images.fetch(image, source, watch);
      lastFetched.note(image, accessOf(source));
      return fetchArtifact(api, pull, image, source, watch);
    },
    tag: async (id, name) => {
      const artifacts = await list();
      if (!has(artifacts, id)) return images.tag(id, name);
      const { image, access } = lastFetched.find(id, name) ?? asStored(artifacts, id, name);
      await nameArtifact(api, pull, image, access);
    },
    remove: async (id) => {
      const artifacts = await list();
      return has(artifacts, id) ? removeArtifact(api, artifacts, id) : images.remove(id);
    },
  };
}

function has(artifacts: readonly StoredArtifact[], id: string): boolean {
  return artifacts.some(({ digest }) => digest === id);
}

interface Fetched {
  readonly image: ResolvedImage;
  readonly access: Access;
}

/** How many fetched artifacts are remembered: more than any root names. */
const MOST = 1000;

/** The access with which artifacts were fetched: a name that moves later is pulled with the same. */
class LastFetched {
  readonly #byName = new Map<string, Fetched>();

  note(image: ResolvedImage, access: Access): void {
    if (this.#byName.size >= MOST) this.#byName.clear();
    this.#byName.set(image.name, { image, access });
  }

  find(id: string, name: string): Fetched | undefined {
    const found = this.#byName.get(name);
    return found?.image.manifest === id ? found : undefined;
  }
}

/** An artifact that is here, to be pulled once more under a name with the credentials of the host. */
function asStored(artifacts: readonly StoredArtifact[], id: string, name: string): Fetched {
  const { layers } = artifacts.find(({ digest }) => digest === id) ?? { layers: [] };
  const platform = formatPlatform(hostPlatform());
  const image = { name, artifact: true, digest: id, manifest: id, config: id, platform } as const;
  return { image: { ...image, blobs: layers }, access: {} };
}
