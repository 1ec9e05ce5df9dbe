import type { ResolvedImage } from '../../../image/resolved.ts';
import type { Manifest } from '../../../oci/manifest.ts';
import type { Access } from '../../../registry/access.ts';
import type { Registry } from '../../../registry/registry.ts';
import { downloaded } from '../../../registry/stream.ts';
import type { Bytes } from './store.ts';

/** The bytes of an image in a registry, downloaded by berth itself as they are read. */
export async function fromRegistry(
  registry: Registry,
  image: ResolvedImage,
  access: Access,
  signal: AbortSignal | undefined,
): Promise<Bytes> {
  const manifest = (digest: string): Promise<Manifest> =>
    registry.manifest(image.name, digest, access, signal);
  return {
    manifest,
    read: (blob) => downloaded(registry, image.name, blob, access, signal),
  };
}
