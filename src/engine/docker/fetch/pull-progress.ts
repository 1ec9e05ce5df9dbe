import { type Blob, sizeOf } from '../../../image/resolved.ts';

/** A message of docker about one layer. */
export interface LayerLine {
  readonly status?: string | undefined;
  readonly id?: string | undefined;
  readonly progressDetail?: { readonly current?: number | undefined } | null | undefined;
}

/** How many digits of a layer's digest docker's messages give. */
const SHORT = 12;

/** The status of a layer of which nothing has to be downloaded any more. */
const HERE =
  /^(?:Download complete|Already exists|Pull complete|Verifying Checksum|Extracting|Mounted from)/;

/**
 * Adds up how much of an image has arrived.
 *
 * @returns a function that takes docker's messages and returns the bytes so far, which never decrease.
 */
export function pullProgress(blobs: readonly Blob[]): (line: LayerLine) => number {
  const sizes = new Map(
    blobs.map(({ digest, size }) => [digest.slice('sha256:'.length).slice(0, SHORT), size]),
  );
  const here = new Map<string, number>();
  const total = sizeOf(blobs);
  let sum = 0;
  return ({ id = '', status = '', progressDetail }) => {
    const size = sizes.get(id);
    if (size === undefined) return sum;
    const come = HERE.test(status) ? size : downloaded(status, progressDetail?.current);
    const before = here.get(id) ?? 0;
    const now = Math.min(size, Math.max(before, come));
    here.set(id, now);
    sum = Math.min(total, sum + now - before);
    return sum;
  };
}

function downloaded(status: string, current = 0): number {
  return status === 'Downloading' ? current : 0;
}
