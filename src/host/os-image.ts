import { join } from 'node:path';
import type { CommonOptions, RateOptions } from '../cli/options.ts';
import { retryLine } from '../cli/render/progress-lines.ts';
import { hostConfig, privateStateDirectory } from '../cli/surroundings.ts';
import { openImage } from '../os-image/open-image.ts';
import type { Root } from '../root/root.ts';
import { namesMeantBy } from './names.ts';
import { hostRegistry } from './registry.ts';

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
