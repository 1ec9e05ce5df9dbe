import type { PinRequest } from '../../pin.ts';
import type { Containerd } from '../api/containerd.ts';
import type { Resource } from '../api/leases.ts';
import type { Found, Inventory } from '../images/inventory.ts';

/**
 * All parts of an image that a pin holds: the documents that the image's names stand for, the config, the layers,
 * and the unpacked image. The pin lists each part, since the labels that lead from one part to the next can be
 * removed (`ctr content prune references`).
 */
export function resourcesOf(
  { snapshotter }: Containerd,
  { content, snapshots }: Inventory,
  image: Found,
  { names }: Pick<PinRequest, 'names'>,
): readonly Resource[] {
  const [config, ...layers] = image.blobs;
  const documents = names.map(({ digest }) => digest);
  // On a node that drops the blobs of unpacked layers, no label of the manifest protects them.
  const keepsLayers = (content.get(image.manifest)?.references?.layers.length ?? 0) > 0;
  const blobs = keepsLayers ? layers : [];
  const digests = [
    image.manifest,
    ...documents,
    ...[config, ...blobs].flatMap((blob) => blob?.digest ?? []),
  ];
  const top = image.chain.at(-1);
  const unpacked = top === undefined || snapshots.get(top)?.committed !== true ? [] : [top];
  return [
    ...[...new Set(digests)]
      .filter((digest) => content.has(digest))
      .map((id) => ({ type: 'content', id })),
    ...unpacked.map((id) => ({ type: `snapshots/${snapshotter}`, id })),
  ];
}
