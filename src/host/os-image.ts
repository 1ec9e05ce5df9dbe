import { openImage } from '../os-image/open-image.ts';
import type { Registry } from '../registry/registry.ts';
import type { Root } from '../root/root.ts';
import { namesMeantBy } from './names.ts';

/** Opens the root in an OS image, which is fetched as the running system fetches images. */
export async function openHostImage(
  spec: string,
  registry: Registry,
  storeDirectory: string,
): Promise<Root> {
  const nameMeantBy = async (raw: string) => (await namesMeantBy([raw]))[0] ?? raw;
  return openImage(spec, { registry, storeDirectory, nameMeantBy });
}
