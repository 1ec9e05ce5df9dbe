import { isDigest } from '../../../image/digest.ts';
import { isNameOrId } from '../../../image/name.ts';
import { sizeOf } from '../../../image/resolved.ts';
import type { EngineImage } from '../../engine.ts';
import type { Found, Inventory } from './inventory.ts';

/** The images as the contract lists them. */
export function engineImages({ images }: Inventory): readonly EngineImage[] {
  return [...images.values()].map(engineImage);
}

function engineImage({ id, names, blobs }: Found): EngineImage {
  const texts = [...new Set(names.map(({ name }) => name))].filter(isImageName);
  return {
    id,
    names: texts.filter((name) => !name.includes('@')),
    digests: texts.filter((name) => name.includes('@')),
    size: sizeOf(blobs),
  };
}

/** Whether the name is a reference: the CRI also names each image by its id. */
function isImageName(name: string): boolean {
  return !isDigest(name) && isNameOrId(name);
}
