import { gzipSync } from 'node:zlib';
import { sha256 } from '../../src/image/digest.ts';
import { formatPlatform, hostPlatform, parsePlatform } from '../../src/image/platform.ts';
import { type TarEntry, tarOf, ustar } from './ustar.ts';

/** What one layer holds: files by path, any entries, or one file of so many bytes that don't compress. */
export type Layer =
  | { readonly files: Readonly<Record<string, string | Buffer>> }
  | { readonly entries: readonly TarEntry[] }
  | { readonly bytes: number; readonly seed: number };

export interface ImageOptions {
  readonly layers: readonly Layer[];
  /** Makes an index with a manifest for each: `['linux/amd64', 'linux/arm64']`. */
  readonly platforms?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  /** Of gzip, 1 by default: the same layers in other bytes. */
  readonly level?: number;
  /** `oci` by default; `docker` for manifest list and schema 2. */
  readonly format?: 'oci' | 'docker';
}

/** A manifest or index, as a registry stores it. */
export interface BuiltManifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: Buffer;
}

export interface BuiltImage {
  /** What a tag points to: the index, else the manifest. */
  readonly top: BuiltManifest;
  /** One a platform, in the order that was asked for. */
  readonly manifests: readonly BuiltManifest[];
  /** Configs and layers by digest. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** Builds an image that real engines run; the same options make the same bytes. */
export function buildImage(options: ImageOptions): BuiltImage {
  const types = MEDIA_TYPES[options.format ?? 'oci'];
  const layers = options.layers.map((layer) => packLayer(layer, options.level ?? 1));
  const blobs = new Map(layers.map(({ digest, content }) => [digest, content]));
  const platforms = options.platforms ?? [formatPlatform(hostPlatform())];
  const built = platforms.map((text) => {
    const platform = parsePlatform(text);
    if (platform === undefined) throw new Error(`${text} is not a platform`);
    const config = Buffer.from(
      JSON.stringify({
        ...platform,
        created: '2024-01-01T00:00:00Z',
        config: {
          Entrypoint: options.entrypoint,
          Cmd: options.command,
          Labels: options.labels,
          Volumes: options.volumes && Object.fromEntries(options.volumes.map((path) => [path, {}])),
        },
        rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
        history: layers.map(() => ({ created: '2024-01-01T00:00:00Z', created_by: 'test' })),
      }),
    );
    blobs.set(sha256(config), config);
    const manifest = document(types.manifest, {
      config: descriptor(types.config, config),
      layers: layers.map(({ content }) => descriptor(types.layer, content)),
    });
    return { manifest, entry: { ...descriptor(types.manifest, manifest.content), platform } };
  });
  const manifests = built.map(({ manifest }) => manifest);
  const [first] = manifests;
  if (first === undefined) throw new Error('an image needs a platform');
  const top =
    options.platforms === undefined
      ? first
      : document(types.index, { manifests: built.map(({ entry }) => entry) });
  return { top, manifests, blobs };
}

const MEDIA_TYPES = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const;

function document(mediaType: string, fields: object): BuiltManifest {
  const content = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
  return { mediaType, digest: sha256(content), content };
}

function descriptor(mediaType: string, content: Buffer) {
  return { mediaType, digest: sha256(content), size: content.length };
}

/** Layers are often shared between the images of a test: pack each only once. */
const packed = new Map<string, { digest: string; content: Buffer; diffId: string }>();

function packLayer(layer: Layer, level: number) {
  const key = 'bytes' in layer ? `${layer.bytes} ${layer.seed} ${level}` : undefined;
  const known = key === undefined ? undefined : packed.get(key);
  if (known !== undefined) return known;
  const tar = packTar(layer);
  const content = gzipSync(tar, { level });
  const result = { digest: sha256(content), content, diffId: sha256(tar) };
  if (key !== undefined) packed.set(key, result);
  return result;
}

function packTar(layer: Layer): Buffer {
  if ('entries' in layer) return tarOf(layer.entries);
  return ustar('bytes' in layer ? { [`data-${layer.seed}`]: noise(layer) } : layer.files);
}

/** xorshift32 (Marsaglia 2003): quick, the same on every machine, and gzip finds nothing in it. */
function noise({ bytes, seed }: { readonly bytes: number; readonly seed: number }): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = (seed * 0x9e3779b1) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state >>> 0;
  }
  return Buffer.from(words.buffer, 0, bytes);
}
