import { sha256 } from './digest.ts';

/**
 * The names that engines give to unpacked layers, from the base up: image-spec, config.md, "Layer ChainID".
 * Each stands for its layer on top of all layers below, so the last one for the whole image.
 */
export function chainOf(diffIds: readonly string[]): readonly string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256(Buffer.from(`${below} ${diffId}`)));
  }
  return chain;
}
