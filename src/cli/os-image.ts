import { join } from 'node:path';
import { openImage } from '../lifecycle/open-image.ts';
import type { Root } from '../root/root.ts';
import { hostRegistry } from './host-registry.ts';
import { namesMeantBy } from './names.ts';
import type { CommonOptions, RateOptions } from './options.ts';
import { retryLine } from './render/progress-lines.ts';
import { hostConfig, privateStateDirectory } from './surroundings.ts';

/** What of a command's options says where an OS image comes from. */
export type ImageOptions = Pick<CommonOptions, 'user' | 'config' | 'stateDir'> & RateOptions;

/** The root in an OS image, as the running system fetches images. */
export async function openHostImage(spec: string, options: ImageOptions): Promise<Root> {
  const stateDirectory = privateStateDirectory(options, await hostConfig(options));
  const registry = hostRegistry(options, (error, milliseconds) =>
    process.stderr.write(`${retryLine(error.message, milliseconds)}\n`),
  );
  try {
    return await openImage(spec, {
      registry,
      storeDirectory: join(stateDirectory, 'store'),
      nameMeantBy: async (raw) => (await namesMeantBy([raw]))[0] ?? raw,
    });
  } finally {
    registry.close();
  }
}
