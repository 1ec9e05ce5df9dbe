import { type Blob, sizeOf } from '../../../image/resolved.ts';

/** A message of docker about one layer. */
export interface LayerLine {
  readonly status?: string | undefined;
  readonly id?: string | undefined;
  readonly progressDetail?:
    | { readonly current?: number | undefined; readonly units?: string | undefined }
    | null
    | undefined;
}

/** How many digits of a layer's digest docker's messages give. */
const SHORT = 12;

/** The status of a layer of which nothing has to be downloaded any more. */
const HERE =
  /^(?:Download complete|Already exists|Pull complete|Verifying Checksum|Extracting|Mounted from)/;

/** What docker says of a layer that is unpacked. */
const UNPACKED = /^(?:Already exists|Pull complete)/;

/**
 * Adds up how much of an image has arrived.
 *
 * @returns a function that takes docker's messages and returns the bytes so far, which never decrease.
 */
export function pullProgress(blobs: readonly Blob[]): (line: LayerLine) => number {
  return addedUp(blobs, ({ status = '', progressDetail }) => {
    if (HERE.test(status)) return Number.POSITIVE_INFINITY;
    return status === 'Downloading' ? (progressDetail?.current ?? 0) : 0;
  });
}

/**
 * Adds up how much of the layers is unpacked, as `pullProgress` does for what has arrived. Where docker only tells how
 * long it has been unpacking a layer, whole layers count.
 */
export function unpackProgress(layers: readonly Blob[]): (line: LayerLine) => number {
  return addedUp(layers, ({ status = '', progressDetail }) => {
    if (UNPACKED.test(status)) return Number.POSITIVE_INFINITY;
    const isInBytes = status === 'Extracting' && progressDetail?.units === undefined;
    return isInBytes ? (progressDetail?.current ?? 0) : 0;
  });
}

/** @param doneBy how much of a layer is done by a message, which may be more than its size. */
function addedUp(
  blobs: readonly Blob[],
  doneBy: (line: LayerLine) => number,
): (line: LayerLine) => number {
  const sizes = new Map(
    blobs.map(({ digest, size }) => [digest.slice('sha256:'.length).slice(0, SHORT), size]),
  );
  const here = new Map<string, number>();
  const total = sizeOf(blobs);
  let sum = 0;
  return (line) => {
    const { id = '' } = line;
    const size = sizes.get(id);
    if (size === undefined) return sum;
    const before = here.get(id) ?? 0;
    const now = Math.min(size, Math.max(before, doneBy(line)));
    here.set(id, now);
    sum = Math.min(total, sum + now - before);
    return sum;
  };
}
