import type { Platform } from '../image/platform.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import { downloaded } from '../registry/stream.ts';
import type { ImageSource } from './image-source.ts';

/**
 * An image in a registry, as the running system's policy.json and auth files let it be read.
 *
 * @throws {RegistryError}
 */
export async function imageOfRegistry(
  registry: Registry,
  name: string,
  platform: Platform,
): Promise<ImageSource> {
  // One object for all calls: what is let in, is let in for it.
  const access: Access = {};
  const image = await registry.resolve(name, platform, access);
  await registry.permit(image, access);
  return {
    location: `image:${name.split('@')[0]}@${image.manifest}`,
    layers: image.blobs.slice(1),
    read: (blob) => downloaded(registry, name, blob, access, undefined),
  };
}
