import { lockText } from '../binding/lock.ts';
import { TAR_END, tarFile } from '../common/tar/write.ts';
import { API_VERSION } from '../common/version.ts';
import { parsePlatform } from '../image/platform.ts';
import type { Blob } from '../image/resolved.ts';
import { INDEX_DIGEST, REF_NAME } from '../oci/annotations.ts';
import type { IndexJson } from '../oci/index-json.ts';
import type { ShippedImages } from '../oci/local-images.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import { signatureTexts } from '../oci/signatures.ts';
import type { Registry } from '../registry/registry.ts';
import { downloaded } from '../registry/stream.ts';
import { type BundleFile, blobMember, MEMBERS } from './format.ts';
import type { BundledImage, BundledLayer, BundlePlan } from './plan.ts';

/** The sources of a bundle's layers. */
export interface BundleSources {
  readonly registry: Registry;
  /** Blobs on this machine, which need not be downloaded. */
  readonly local?: Pick<ShippedImages, 'has' | 'read'> | undefined;
  readonly signal: AbortSignal;
  /** Called with the bytes of all blobs in the archive so far. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * A bundle as a tar archive of an OCI layout (image-spec, image-layout.md), with the same bytes for the
 * same images. Layers are passed on as they arrive; only a piece of a layer is in memory.
 */
export async function* bundleArchive(
  plan: BundlePlan,
  sources: BundleSources,
): AsyncGenerator<Buffer> {
  yield* text(MEMBERS.layout, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  yield* text(MEMBERS.index, JSON.stringify(indexOf(plan.images)));
  yield* text(MEMBERS.lock, bundledLock(plan));
  yield* text(MEMBERS.bundle, JSON.stringify(bundleOf(plan)));
  let passed = 0;
  for (const { digest, content } of plan.documents) {
    yield* tarFile(blobMember(digest), content.length, [content]);
    passed += content.length;
    sources.onBytes(passed);
  }
  for (const layer of plan.layers) {
    sources.signal.throwIfAborted();
    const counted = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of bytesOf(layer, sources)) {
        yield chunk;
        passed += chunk.length;
        sources.onBytes(passed);
      }
    };
    yield* tarFile(blobMember(layer.digest), layer.size, counted());
  }
  yield TAR_END;
}

/** The lock in a bundle, as `berth lock` would write it for the same names. */
export function bundledLock({ images }: BundlePlan): string {
  return lockText(new Map(images.map(({ image, locked }) => [image.name, locked])));
}

function bytesOf(layer: BundledLayer, { registry, local, signal }: BundleSources) {
  const { name, source, mediaType, digest, size } = layer;
  const blob: Blob = { mediaType, digest, size };
  if (source.from === 'layout') return source.images.read(blob);
  if (local?.has(digest) === true) return local.read(blob);
  return downloaded(registry, name, blob, source.access, signal);
}

/** A manifest for each name, as in berth's own store, so that every tool finds an image by its name. */
function indexOf(images: readonly BundledImage[]): IndexJson {
  return {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: images.map(({ image, manifest }) => {
      const platform = parsePlatform(image.platform);
      if (platform === undefined) throw new TypeError(`${image.platform} is not a platform`);
      const { os, architecture, variant } = platform;
      return {
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.content.length,
        platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
        annotations: {
          [REF_NAME]: image.name,
          ...(image.digest === image.manifest ? {} : { [INDEX_DIGEST]: image.digest }),
        },
      };
    }),
  };
}

function bundleOf({ omitted, images }: BundlePlan): BundleFile {
  const digests = omitted.map(({ digest }) => digest);
  const signed = images.filter(({ signatures }) => signatures.length > 0);
  const texts = signed.map(({ image, signatures }) => [image.manifest, signatures] as const);
  // Two names of a manifest may have signatures of their own.
  const byManifest = Map.groupBy(texts, ([manifest]) => manifest);
  const signatures = [...byManifest.keys()].sort().map((manifest) => {
    const all = (byManifest.get(manifest) ?? []).flatMap(([, of]) => of);
    return [manifest, [...new Set(signatureTexts(all))].sort()];
  });
  return {
    apiVersion: API_VERSION,
    kind: 'Bundle',
    omitted: digests,
    ...(signatures.length === 0 ? {} : { signatures: Object.fromEntries(signatures) }),
  };
}

function text(path: string, content: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(content);
  return tarFile(path, bytes.length, [bytes]);
}
