import {
  type Contents,
  type RecordImage,
  type RootRecord,
  wantedImages,
} from '../../state/record.ts';
import type { EngineContext } from '../context.ts';
import { imageAs } from '../drift.ts';
import { readOn } from '../situation.ts';
import { Names } from './names.ts';

/**
 * The contents that the names really mean after an apply: names that were not moved, or were moved back,
 * mean the image that they meant before.
 */
export async function contentsAfter(
  context: EngineContext,
  root: RootRecord,
  whole: Contents,
  used: ReadonlySet<string>,
  names: Names,
): Promise<Contents> {
  const others = new Map<string, Set<string>>();
  for (const { id, names: served } of whole.images) {
    for (const { name } of served) {
      const now = used.has(name) ? names.meaning(name) : undefined;
      if (name.includes('@') || now === undefined || now === id) continue;
      others.set(now, (others.get(now) ?? new Set()).add(name));
    }
  }
  if (others.size === 0) return whole;
  const { id: engine } = context.engine;
  const { images } = await readOn(context);
  const moved = new Set([...others.values()].flatMap((served) => [...served]));
  const byId = new Map<string, RecordImage>();
  for (const image of whole.images) {
    const served = image.names.filter(({ name }) => !moved.has(name));
    if (served.length > 0) byId.set(image.id, { ...image, names: served });
  }
  const own = wantedImages(root).filter((image) => image.engine === engine);
  const recorded = new Map(own.map((image) => [image.id, image]));
  for (const [id, served] of others) {
    const image = images.get(id);
    if (image === undefined) continue;
    const { names: own, ...rest } = imageAs(engine, whole.images, image, served);
    const { names: _, ...known } = byId.get(id) ?? recorded.get(id) ?? { ...rest, names: [] };
    const digests = new Map(recorded.get(id)?.names.map(({ name, digest }) => [name, digest]));
    const added = own.map((one) => ({ ...one, digest: digests.get(one.name) ?? one.digest }));
    byId.set(id, { ...known, names: [...(byId.get(id)?.names ?? []), ...added] });
  }
  return { ...whole, images: [...byId.values()] };
}
