import type { Platform } from '../image/platform.ts';
import type { Registry } from '../registry/registry.ts';
import { downloaded } from '../registry/stream.ts';
import type { ImageSource } from './image-source.ts';

/**
 * An image in a registry, judged by the policy.json and read with the auth files of the running system.
 *
 * @throws {RegistryError}
 */
export async function imageOfRegistry(
  registry: Registry,
  name: string,
  platform: Platform,
): Promise<ImageSource> {
  const image = await registry.resolve(name, platform, {});
  await registry.permit(image, {}, {});
  return {
    location: `image:${name.split('@')[0]}@${image.manifest}`,
    layers: image.blobs.slice(1),
    read: (blob) => downloaded(registry, name, blob, {}, undefined),
  };
}
