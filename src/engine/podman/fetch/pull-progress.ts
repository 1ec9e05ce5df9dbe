import type { Blob } from '../../../image/resolved.ts';

/** The number of layers that containers/image copies at a time (copy.go, maxParallelDownloads). */
const AT_A_TIME = 6;

/**
 * Estimates from podman's messages how much of an image has arrived: before version 6, podman's API counts
 * no bytes and only says when a blob begins. The last six that began may still be under way.
 *
 * @returns a function that takes podman's messages, line by line, and returns the bytes so far, which never
 *   decrease.
 */
export function pullProgress(blobs: readonly Blob[]): (words: string) => number {
  const sizes = new Map(blobs.map((blob) => [blob.digest, blob.size]));
  const present = new Set<string>();
  const begun = new Set<string>();
  const total = blobs.reduce((sum, blob) => sum + blob.size, 0);
  let here = 0;
  return (words) => {
    const [, kind, digest = '', rest = ''] =
      /^Copying (blob|config) (sha256:[0-9a-f]{64})(.*)/.exec(words) ?? [];
    if (kind === 'config') here = total;
    if (kind === 'blob' && sizes.has(digest)) {
      if (/skipped|done/.test(rest)) present.add(digest);
      else begun.add(digest);
      const under = [...begun].filter((other) => !present.has(other)).slice(-AT_A_TIME);
      const counted = [...present, ...begun].filter((other) => !under.includes(other));
      here = Math.max(here, sumOf(new Set(counted), sizes));
    }
    return here;
  };
}

function sumOf(digests: ReadonlySet<string>, sizes: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const digest of digests) sum += sizes.get(digest) ?? 0;
  return sum;
}
