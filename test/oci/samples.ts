import { sha256 } from '../../src/image/digest.ts';

export const OCI = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
};

export const DOCKER = {
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  schema1: 'application/vnd.docker.distribution.manifest.v1+json',
};

export const configBytes = Buffer.from('{"os":"linux","architecture":"amd64"}');

/** Bytes of a layer that nobody unpacks. */
export const layerBytes = Buffer.from('tar\n');

export const config = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  digest: sha256(configBytes),
  size: configBytes.length,
};

export const layer = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
  digest: sha256(layerBytes),
  size: layerBytes.length,
};

export const foreign = {
  ...layer,
  mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
};

export const manifest = { schemaVersion: 2, mediaType: OCI.manifest, config, layers: [layer] };

export const manifestBytes = Buffer.from(JSON.stringify(manifest));

export const index = {
  schemaVersion: 2,
  mediaType: OCI.index,
  manifests: [
    { mediaType: OCI.manifest, digest: sha256(manifestBytes), size: manifestBytes.length },
  ],
};

/** A digest by an algorithm that berth can't check. */
export const sha512 = `sha512:${'0'.repeat(128)}`;
