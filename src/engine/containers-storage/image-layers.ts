import { join } from 'node:path';
import * as v from 'valibot';
import { parseBy } from '../../common/check-by.ts';
import type { StoredLayer } from '../engine.ts';
import { listOf, MAX_DEPTH, readBounded } from './layers.ts';

/** Source: containers/storage images.go (`Image`): `layer` is the top one. */
const ImageList = v.array(v.object({ id: v.string(), layer: v.optional(v.string()) }));

/** Source: containers/storage layers.go (`Layer`): `diff-size` is what the layer adds, unpacked. */
const LayerList = v.array(
  v.object({
    id: v.string(),
    parent: v.optional(v.string()),
    'diff-size': v.optional(v.number()),
  }),
);

type Layers = ReadonlyMap<string, v.InferOutput<typeof LayerList>[number]>;

/**
 * The layers of each image of podman's own store, by the image's id. podman's API tells no sizes of layers. An image
 * whose layers can't be read or understood is left out.
 */
export function readImageLayers(
  graphRoot: string,
  driver: string,
): ReadonlyMap<string, readonly StoredLayer[]> {
  const images = readList(join(graphRoot, `${driver}-images`, 'images.json'), ImageList);
  const list = readList(listOf(graphRoot, driver), LayerList);
  const layers: Layers = new Map(list.map((layer) => [layer.id, layer]));
  return new Map(
    images.flatMap(({ id, layer }): [string, readonly StoredLayer[]][] => {
      const found = layersBelow(layer, layers);
      return found === undefined ? [] : [[`sha256:${id}`, found]];
    }),
  );
}

/** A layer and those below it; undefined if one is missing, or has no size, or if they form a circle. */
function layersBelow(top: string | undefined, layers: Layers): readonly StoredLayer[] | undefined {
  const found: StoredLayer[] = [];
  for (let id = top; id !== undefined && id !== ''; ) {
    const layer = layers.get(id);
    const size = layer?.['diff-size'] ?? -1;
    if (layer === undefined || size < 0 || found.length === MAX_DEPTH) return undefined;
    found.push({ id, size });
    id = layer.parent;
  }
  return found;
}

function readList<Schema extends v.GenericSchema<unknown, readonly unknown[]>>(
  path: string,
  schema: Schema,
): v.InferOutput<Schema> | readonly never[] {
  try {
    return parseBy(schema, JSON.parse(readBounded(path)?.toString() ?? '[]'));
  } catch {
    return [];
  }
}
