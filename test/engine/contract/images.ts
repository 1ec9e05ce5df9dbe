import { parseName } from '../../../src/image/name.ts';
import { formatPlatform, hostPlatform } from '../../../src/image/platform.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import { buildImage } from '../../support/image-builder.ts';
import { resolvedOf } from '../podman/fixture.ts';
import type { TestedEngine } from './tested-engine.ts';

/** The platform of this machine. */
export const ownPlatform = formatPlatform(hostPlatform());

/**
 * Pushes an image of a few kilobytes, and returns what its name resolves to.
 *
 * @param seed any other makes another image.
 * @param platforms makes an index; the image of the first is returned.
 */
export function pushSmall(
  { machine: { registry } }: { readonly machine: Pick<TestedEngine['machine'], 'registry'> },
  name: string,
  seed: number,
  platforms?: readonly string[],
): ResolvedImage {
  const built = buildImage({
    layers: [{ files: { common: 'to all' } }, { bytes: 2000, seed }],
    ...(platforms === undefined ? {} : { platforms }),
    entrypoint: ['/nothing'],
  });
  registry.push(name, built);
  const [image] = resolvedOf(`${registry.host}/${name}`, built, platforms ?? [ownPlatform]);
  if (image === undefined) throw new Error('an image has a platform');
  return image;
}

/** The name of an image without its tag. */
export function repositoryOf({ name }: ResolvedImage): string {
  const { registry, repository } = parseName(name);
  return `${registry}/${repository}`;
}
