import { array, looseObject, object, optional, string } from 'valibot';
import { checkBy } from '../../../common/check-by.ts';
import { sha256 } from '../../../image/digest.ts';
import type { Blob, ResolvedImage } from '../../../image/resolved.ts';
import { MAX_DOCUMENT_BYTES } from '../../../oci/document.ts';
import { OCI_MANIFEST } from '../../../oci/media-types.ts';
import { parseStrictJson } from '../../../oci/strict-json.ts';
import type { ImageBytes } from '../../depot.ts';

/** The label of partial images, by which those of killed runs are found. */
export const PARTIAL_LABEL = 'berth.partial';

const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const GZIP_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** The types of layers that podman unpacks, as an OCI manifest calls them. */
const LAYER_TYPES: Readonly<Record<string, string>> = {
  'application/vnd.oci.image.layer.v1.tar': 'application/vnd.oci.image.layer.v1.tar',
  [GZIP_LAYER]: GZIP_LAYER,
  'application/vnd.oci.image.layer.v1.tar+zstd': 'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': GZIP_LAYER,
};

/** An image of some layers of another, and where podman reads what it consists of. */
export interface PartialImage {
  readonly image: ResolvedImage;
  readonly from: ImageBytes;
}

/**
 * An image that has the first layers of another, and nothing else from it. Once podman has unpacked this image,
 * it does not unpack these layers again for the other: it knows a layer by the digest of its blob and by the
 * layers below.
 *
 * @returns undefined if the config does not tell what the layers unpack to, or for a type of layer that podman may not
 *   know.
 */
export async function partialImage(
  image: ResolvedImage,
  count: number,
  from: ImageBytes,
): Promise<PartialImage | undefined> {
  const [config, ...layers] = image.blobs;
  const whole = config === undefined ? undefined : await configIn(config, from);
  if (whole?.rootfs.diff_ids.length !== layers.length) return undefined;
  const first = layers.slice(0, count).map((blob) => {
    const mediaType = LAYER_TYPES[blob.mediaType];
    return mediaType === undefined ? undefined : { ...blob, mediaType };
  });
  if (!first.every((layer) => layer !== undefined)) return undefined;
  const { architecture, os, variant, rootfs } = whole;
  const document = {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    config: { Labels: { [PARTIAL_LABEL]: image.config } },
    rootfs: { type: 'layers', diff_ids: rootfs.diff_ids.slice(0, count) },
  };
  return imageOf(image, first, document, from);
}

/** image-spec, config.md: what podman needs of it to unpack layers. */
const configSchema = looseObject({
  architecture: string(),
  os: string(),
  variant: optional(string()),
  rootfs: object({ diff_ids: array(string()) }),
});

async function configIn(blob: Blob, from: ImageBytes) {
  if (blob.size > MAX_DOCUMENT_BYTES) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of from.read(blob)) chunks.push(chunk);
  const json = parseStrictJson(Buffer.concat(chunks));
  const config = checkBy(configSchema, json.kind === 'json' ? json.value : undefined);
  return config.success ? config.output : undefined;
}

function imageOf(
  { name, platform }: ResolvedImage,
  layers: readonly Blob[],
  document: object,
  from: ImageBytes,
): PartialImage {
  const config = documentOf(document, OCI_CONFIG);
  const manifest = documentOf(
    { schemaVersion: 2, mediaType: OCI_MANIFEST, config: config.blob, layers },
    OCI_MANIFEST,
  );
  const { digest } = manifest.blob;
  const blobs = [config.blob, ...layers];
  return {
    image: { name, platform, digest, manifest: digest, config: config.blob.digest, blobs },
    from: {
      manifest: () => ({ digest, content: manifest.content, mediaType: OCI_MANIFEST }),
      read: (blob) =>
        blob.digest === config.blob.digest ? inOne(config.content) : from.read(blob),
    },
  };
}

function documentOf(document: object, mediaType: string): { content: Buffer; blob: Blob } {
  const content = Buffer.from(JSON.stringify(document));
  return { content, blob: { mediaType, digest: sha256(content), size: content.length } };
}

async function* inOne(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
