import { sha256 } from '../../../image/digest.ts';

/**
 * The names of the snapshots of an image's layers, from the base up: image-spec, config.md, "Layer ChainID".
 * The last one is the whole image.
 */
export function chainOf(diffIds: readonly string[]): readonly string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256(Buffer.from(`${below} ${diffId}`)));
  }
  return chain;
}
