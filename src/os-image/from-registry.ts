import type { Platform } from '../image/platform.ts';
import type { Access } from '../registry/access.ts';
import type { Registry } from '../registry/registry.ts';
import { downloaded } from '../registry/stream.ts';
import type { ImageSource } from './image-source.ts';

/**
 * An image in a registry, judged by the running system's policy.json and fetched with its auth files.
 *
 * @throws {RegistryError}
 */
export async function imageOfRegistry(
  registry: Registry,
  name: string,
  platform: Platform,
): Promise<ImageSource> {
  // One access object for all calls: the registry client permits an image for that object.
  const access: Access = {};
  const image = await registry.resolve(name, platform, access);
  await registry.permit(image, access);
  return {
    location: `image:${name.split('@')[0]}@${image.manifest}`,
    layers: image.blobs.slice(1),
    read: (blob) => downloaded(registry, name, blob, access, undefined),
  };
}
