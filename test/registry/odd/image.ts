import { gzipSync, zstdCompressSync } from 'node:zlib';
import { sha256 } from '../../../src/image/digest.ts';
import { hostPlatform } from '../../../src/image/platform.ts';
import { layer as tarOf } from '../../support/memory-registry.ts';
import { type Change, type Spelling, write } from './document.ts';

/** An image whose documents are odd. */
export interface OddImage {
  readonly format: 'oci' | 'docker';
  /** Whether the tag means an index, or an index of indexes. */
  readonly isIndexed: boolean;
  readonly isNested: boolean;
  /** Whether the manifest is of Docker's schema 1, without signatures. */
  readonly isSchema1: boolean;
  readonly layers: readonly OddLayer[];
  readonly config: readonly Change[];
  readonly manifest: readonly Change[];
  /** Of the index the first entry is for another platform, the second for this one. */
  readonly index: readonly Change[];
  /** The spelling of the document that the tag means. */
  readonly spelling?: Spelling | undefined;
}

export interface OddLayer {
  readonly packed: 'gzip' | 'zstd' | 'not' | 'nothing at all';
  /** Layers of the same size are the same. */
  readonly bytes: number;
  /** undefined: the format's own for layers packed so. */
  readonly type?: string | undefined;
  /** Whether the descriptor has addresses of other hosts. */
  readonly urls: 'none' | 'dead' | 'elsewhere';
  /** Whether the registry has the layer. */
  readonly isThere: boolean;
}

export interface Content {
  readonly type: string;
  readonly body: Buffer;
}

export interface Built {
  /** The digest of the document that the tag means. */
  readonly top: string;
  readonly documents: ReadonlyMap<string, Content>;
  /** What the registry has of configs and layers. */
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** The digest of the manifest for this platform. */
  readonly manifest: string;
  /** The digest of its config. */
  readonly config: string;
  /** Every layer by its digest, the lowest first. */
  readonly layers: ReadonlyMap<string, Buffer>;
}

const TYPES = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
    zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
    not: 'application/vnd.oci.image.layer.v1.tar',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    zstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
    not: 'application/vnd.docker.image.rootfs.diff.tar',
  },
} as const;

const OTHER = { os: 'linux', architecture: 's390x' };

/** @param elsewhere the origin of another host, which has every layer below `/layers/`. */
export function buildOdd(image: OddImage, elsewhere: string): Built {
  const types = TYPES[image.format];
  const layers = image.layers.map((layer) => packed(layer, types, elsewhere));
  const made = imageFor(hostPlatform(), layers, types, {
    config: image.config,
    manifest: image.manifest,
    spelling: image.isIndexed ? undefined : image.spelling,
  });
  const own = image.isSchema1 ? { ...made, manifest: schema1(layers) } : made;
  const ownType = image.isSchema1 ? SCHEMA_1 : types.manifest;
  const other = imageFor(OTHER, layers, types, { config: [], manifest: [] });
  const { platform } = own;
  const ownEntry = { ...descriptorOf(ownType, own.manifest), platform };
  const inner = write(
    { schemaVersion: 2, mediaType: types.index, manifests: [ownEntry] },
    [],
    undefined,
  );
  const manifests = [
    { ...descriptorOf(types.manifest, other.manifest), platform: other.platform },
    image.isNested ? { ...descriptorOf(types.index, inner), platform } : ownEntry,
  ];
  const index = write(
    { schemaVersion: 2, mediaType: types.index, manifests },
    image.index,
    image.spelling,
  );
  const documents = [
    { type: ownType, body: own.manifest },
    ...(image.isIndexed
      ? [
          { type: types.index, body: inner },
          { type: types.manifest, body: other.manifest },
          { type: types.index, body: index },
        ]
      : []),
  ];
  const there = layers.filter(({ isThere }) => isThere).map(({ content }) => content);
  return {
    top: sha256(image.isIndexed ? index : own.manifest),
    documents: new Map(documents.map((content) => [sha256(content.body), content])),
    blobs: byDigest([own.config, other.config, ...there]),
    manifest: sha256(own.manifest),
    config: sha256(own.config),
    layers: byDigest(layers.map(({ content }) => content)),
  };
}

const SCHEMA_1 = 'application/vnd.docker.distribution.manifest.v1+json';

/** An old manifest, which names the layers from the topmost down. */
function schema1(layers: readonly Packed[]): Buffer {
  const v1Compatibility = (id: number) =>
    JSON.stringify({
      id: `${id}`.repeat(64),
      ...(id === 0 ? {} : { parent: `${id - 1}`.repeat(64) }),
      created: '2024-01-01T00:00:00Z',
      ...hostPlatform(),
    });
  const topmostFirst = layers.map(({ content }, id) => ({ content, id })).reverse();
  const manifest = {
    schemaVersion: 1,
    name: 'acme/app',
    tag: '1',
    architecture: hostPlatform().architecture,
    fsLayers: topmostFirst.map(({ content }) => ({ blobSum: sha256(content) })),
    history: topmostFirst.map(({ id }) => ({ v1Compatibility: v1Compatibility(id) })),
  };
  return Buffer.from(JSON.stringify(manifest, undefined, 3));
}

type Types = (typeof TYPES)['oci' | 'docker'];

interface Packed {
  readonly descriptor: object;
  readonly content: Buffer;
  readonly diffId: string;
  readonly isThere: boolean;
}

function packed(layer: OddLayer, types: Types, elsewhere: string): Packed {
  const tar = tarOf('file', layer.bytes);
  const content = compressed(layer.packed, tar);
  const urls = {
    none: {},
    dead: { urls: ['http://127.0.0.1:1/layer'] },
    elsewhere: { urls: [`${elsewhere}/layers/${sha256(content)}`] },
  }[layer.urls];
  const type = layer.type ?? types[layer.packed === 'nothing at all' ? 'not' : layer.packed];
  const descriptor = { ...descriptorOf(type, content), ...urls };
  return { descriptor, content, diffId: sha256(tar), isThere: layer.isThere };
}

function compressed(how: OddLayer['packed'], tar: Buffer): Buffer {
  if (how === 'nothing at all') return Buffer.alloc(0);
  if (how === 'not') return tar;
  return how === 'gzip' ? gzipSync(tar, { level: 1 }) : zstdCompressSync(tar);
}

function imageFor(
  platform: object,
  layers: readonly Packed[],
  types: Types,
  odd: Pick<OddImage, 'config' | 'manifest' | 'spelling'>,
) {
  const whole = {
    ...platform,
    created: '2024-01-01T00:00:00Z',
    config: { Labels: {} },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created_by: 'test' })),
  };
  const config = write(whole, odd.config, undefined);
  const fields = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptorOf(types.config, config),
    layers: layers.map(({ descriptor }) => descriptor),
  };
  return { platform, config, manifest: write(fields, odd.manifest, odd.spelling) };
}

function descriptorOf(mediaType: string, content: Buffer) {
  return { mediaType, digest: sha256(content), size: content.length };
}

function byDigest(contents: readonly Buffer[]): ReadonlyMap<string, Buffer> {
  return new Map(contents.map((content) => [sha256(content), content]));
}
