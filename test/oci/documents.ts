import { config, DOCKER, foreign, index, layer, manifest, OCI, sha512 } from './samples.ts';
import type { Sample } from './sources.ts';

export const sampleOf = (mediaType: string, document: unknown): Sample => ({
  mediaType,
  content: Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)),
});

/** The document as JSON with one of its keys a second time. */
export const repeated = (document: object, key: string) =>
  JSON.stringify(document).replace('{', `{${JSON.stringify(key)}:null,`);

const dockerManifest = {
  schemaVersion: 2,
  mediaType: DOCKER.manifest,
  config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' },
  layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
};

const { config: _config, ...withoutConfig } = manifest;
const { layers: _layers, ...withoutLayers } = manifest;
const { schemaVersion: _version, ...withoutVersion } = manifest;
const untyped = ({ mediaType: _type, ...rest }: typeof config) => rest;

const platform = { os: 'linux', architecture: 'amd64' };
const others = { os: 'linux', architecture: 's390x' };
const good = index.manifests.map((entry) => ({ ...entry, platform }));
/** An index with this entry before the one for the platform. */
const beside = (entry: unknown) => sampleOf(OCI.index, { ...index, manifests: [entry, ...good] });
const dockerIndex = {
  schemaVersion: 2,
  mediaType: DOCKER.index,
  manifests: index.manifests.map((entry) => ({ ...entry, platform })),
};

/** Documents that every reader accepts and understands alike. */
export const sound: Readonly<Record<string, Sample>> = {
  'a manifest': sampleOf(OCI.manifest, manifest),
  'a manifest of Docker': sampleOf(DOCKER.manifest, dockerManifest),
  'a manifest without a type': sampleOf(OCI.manifest, { ...manifest, mediaType: undefined }),
  'a manifest with an empty type': sampleOf(OCI.manifest, { ...manifest, mediaType: '' }),
  'a manifest without layers': sampleOf(OCI.manifest, { ...manifest, layers: [] }),
  'layers that are null': sampleOf(OCI.manifest, { ...manifest, layers: null }),
  'an artifact': sampleOf(OCI.manifest, {
    ...manifest,
    artifactType: 'application/vnd.example',
    subject: index.manifests[0],
    config: { ...config, mediaType: 'application/vnd.oci.empty.v1+json' },
  }),
  'a layer twice': sampleOf(OCI.manifest, { ...manifest, layers: [layer, layer] }),
  'fields that nobody knows': sampleOf(OCI.manifest, { ...manifest, 'x-berth': { layers: [] } }),
  'no layers': sampleOf(OCI.manifest, withoutLayers),
  'no version': sampleOf(OCI.manifest, withoutVersion),
  'a version that is null': sampleOf(OCI.manifest, { ...manifest, schemaVersion: null }),
  'version 0': sampleOf(OCI.manifest, { ...manifest, schemaVersion: 0 }),
  'nulls in optional fields': sampleOf(OCI.manifest, {
    ...manifest,
    artifactType: null,
    annotations: null,
    subject: null,
    manifests: null,
    layers: [{ ...layer, annotations: null, urls: null, platform: null, data: null }],
  }),
  'an annotation that is null': sampleOf(OCI.manifest, {
    ...manifest,
    layers: [{ ...layer, annotations: { a: null } }],
  }),
  'descriptors without a type': sampleOf(OCI.manifest, {
    ...manifest,
    config: untyped(config),
    layers: [untyped(layer)],
  }),
  'a layer that registries need not have': sampleOf(OCI.manifest, {
    ...manifest,
    layers: [foreign],
  }),
  'a manifest of Docker under the type of OCI': sampleOf(OCI.manifest, dockerManifest),
  'a manifest of OCI under the type of Docker': sampleOf(DOCKER.manifest, manifest),
  'an index of Docker under the type of OCI': sampleOf(OCI.index, dockerIndex),
  'an index of OCI under the type of Docker': sampleOf(DOCKER.index, { ...index, manifests: good }),
  'a config of an index that is null': sampleOf(OCI.index, { ...index, config: null }),
  'an index with a platform that is null': beside({ ...layer, platform: null }),
  'an index with an empty platform': beside({ ...layer, platform: {} }),
  'an index with half a platform': beside({ ...layer, platform: { os: 'linux', variant: null } }),
  'an index with an entry that is null': beside(null),
  'an index with an empty entry': beside({}),
  'an index with sha512 for another platform': beside({
    ...layer,
    digest: sha512,
    platform: others,
  }),
  'an index with nonsense for another platform': beside({ digest: '../x', platform: others }),
  'an entry without a size': sampleOf(OCI.index, {
    ...index,
    manifests: good.map(({ size: _size, ...entry }) => entry),
  }),
  'an entry with a size of -1': sampleOf(OCI.index, {
    ...index,
    manifests: good.map((entry) => ({ ...entry, size: -1 })),
  }),
  'an entry without a type': sampleOf(OCI.index, {
    ...index,
    manifests: good.map(({ mediaType: _type, ...entry }) => entry),
  }),
  'an index': sampleOf(OCI.index, index),
  'an index of Docker': sampleOf(DOCKER.index, dockerIndex),
  'an index without a type': sampleOf(OCI.index, { ...index, mediaType: undefined }),
};

/** Documents that berth refuses. */
export const wrong: Readonly<Record<string, Sample>> = {
  'no JSON': sampleOf(OCI.manifest, '{'),
  'a key twice': sampleOf(OCI.manifest, repeated(manifest, 'layers')),
  'an annotation twice': sampleOf(
    OCI.manifest,
    JSON.stringify(manifest).replace('{', '{"annotations":{"a":"1","a":"2"},'),
  ),
  'a field that Go takes for another': sampleOf(OCI.manifest, { ...manifest, Config: config }),
  'a manifest with manifests': sampleOf(OCI.manifest, { ...manifest, manifests: [] }),
  'an index with layers': sampleOf(OCI.index, { ...index, layers: [] }),
  'an index with a config': sampleOf(OCI.index, { ...index, config }),
  'both, and no type': sampleOf(OCI.index, { ...index, ...manifest, mediaType: undefined }),
  'no config': sampleOf(OCI.manifest, withoutConfig),
  'a config that is null': sampleOf(OCI.manifest, { ...manifest, config: null }),
  'a layer without a size': sampleOf(OCI.manifest, {
    ...manifest,
    layers: [{ ...layer, size: undefined }],
  }),
  'an index by its type alone': sampleOf(OCI.index, { ...manifest, mediaType: OCI.index }),
  'a manifest by its type alone': sampleOf(OCI.manifest, { ...index, mediaType: OCI.manifest }),
  'another type': sampleOf('text/plain', { ...manifest, mediaType: 'text/plain' }),
  'layers of schema 1': sampleOf(OCI.manifest, { ...manifest, fsLayers: [] }),
  'version 1': sampleOf(OCI.manifest, { ...manifest, schemaVersion: 1 }),
  'version 3': sampleOf(OCI.manifest, { ...manifest, schemaVersion: 3 }),
  'two sizes': sampleOf(OCI.manifest, { ...manifest, layers: [layer, { ...layer, size: 9 }] }),
  'a digest that leads elsewhere': sampleOf(OCI.manifest, {
    ...manifest,
    layers: [{ ...layer, digest: '../../etc/passwd' }],
  }),
};
