import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseBy } from '../../common/check-by.ts';
import { systemErrorCode } from '../../common/errors.ts';

/** Enough for some hundred thousand layers. */
const MAX_BYTES = 64 * 1024 * 1024;

/** No storage driver of podman stacks more layers. */
export const MAX_DEPTH = 512;

/** Source: containers/storage layers.go (`Layer`). */
const LayerList = v.array(
  v.object({
    id: v.string(),
    parent: v.optional(v.string()),
    'compressed-diff-digest': v.optional(v.string()),
    flags: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
  }),
);

interface Layer {
  readonly blob: string;
  readonly parent: string | undefined;
}

/**
 * The layers of podman's own store, each as the digests of its blob and of the blobs below it. podman's API
 * tells only diffIDs, one image at a time. But podman reuses a layer by the digest of its blob: a layer
 * that it has in another compression it downloads again.
 *
 * A layer that can't be read or understood counts as missing, so that at worst too much is downloaded.
 */
export function readLayers(graphRoot: string, driver: string): readonly (readonly string[])[] {
  return layersIn(readBounded(listOf(graphRoot, driver))?.toString() ?? '');
}

/** The file that lists the layers of a store. */
export function listOf(graphRoot: string, driver: string): string {
  return join(graphRoot, `${driver}-layers`, 'layers.json');
}

/** The layers in such a list, as `readLayers` gives them. */
export function layersIn(list: string): readonly (readonly string[])[] {
  const layers = new Map<string, Layer>();
  for (const { id, parent, flags, ...layer } of parseList(list)) {
    const blob = layer['compressed-diff-digest'];
    if (blob === undefined || flags?.['incomplete'] === true) continue;
    layers.set(id, { blob, parent });
  }
  return [...layers.values()].flatMap((layer) => {
    const blobs = blobsBelow(layer, layers);
    return blobs === undefined ? [] : [blobs];
  });
}

/** The blobs of a layer, from the base up; undefined if one below is missing, or if the layers form a circle. */
function blobsBelow(top: Layer, layers: ReadonlyMap<string, Layer>): readonly string[] | undefined {
  const chain: string[] = [];
  for (let layer: Layer | undefined = top; layer !== undefined; ) {
    if (chain.length === MAX_DEPTH) return undefined;
    chain.push(layer.blob);
    if (!layer.parent) return chain.reverse();
    layer = layers.get(layer.parent);
  }
  return undefined;
}

function parseList(text: string): v.InferOutput<typeof LayerList> {
  try {
    return parseBy(LayerList, JSON.parse(text));
  } catch {
    return [];
  }
}

/** A regular file of at most 64 MiB; undefined for anything else. */
export function readBounded(path: string): Buffer | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = fstatSync(file);
      return found.isFile() && found.size <= MAX_BYTES ? readFileSync(file) : undefined;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
