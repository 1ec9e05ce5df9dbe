import { config, DOCKER, foreign, index, layer, manifest, OCI } from './samples.ts';
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

const platform = { os: 'linux', architecture: 'amd64' };
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
  neither: sampleOf(OCI.manifest, { schemaVersion: 2, mediaType: OCI.manifest }),
  'an index by its type alone': sampleOf(OCI.index, { ...manifest, mediaType: OCI.index }),
  'a manifest by its type alone': sampleOf(OCI.manifest, { ...index, mediaType: OCI.manifest }),
  'another type': sampleOf('text/plain', { ...manifest, mediaType: 'text/plain' }),
  'layers of schema 1': sampleOf(OCI.manifest, { ...manifest, fsLayers: [] }),
  'version 1': sampleOf(OCI.manifest, { ...manifest, schemaVersion: 1 }),
  'no version': sampleOf(OCI.manifest, { ...manifest, schemaVersion: undefined }),
  'a layer from elsewhere': sampleOf(OCI.manifest, { ...manifest, layers: [foreign] }),
  'two sizes': sampleOf(OCI.manifest, { ...manifest, layers: [layer, { ...layer, size: 9 }] }),
  'a digest that leads elsewhere': sampleOf(OCI.manifest, {
    ...manifest,
    layers: [{ ...layer, digest: '../../etc/passwd' }],
  }),
};
