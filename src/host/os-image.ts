import { openImage } from '../os-image/open-image.ts';
import type { Registry } from '../registry/registry.ts';
import type { Root } from '../root/root.ts';
import { namesMeantBy } from './names.ts';

/**
 * The root in an OS image, fetched as the running system fetches images.
 *
 * @param spec `image:REF`.
 */
export async function openHostImage(
  spec: string,
  registry: Registry,
  storeDirectory: string,
): Promise<Root> {
  const nameMeantBy = async (raw: string) => (await namesMeantBy([raw]))[0] ?? raw;
  return openImage(spec, { registry, storeDirectory, nameMeantBy });
}
