import { parseSize } from '../common/parse-size.ts';

/** The space that is to stay free on a file system. */
export type Reserve = { readonly bytes: number } | { readonly percent: number };

/**
 * Reads a size, or a share of the file system: `500MB`, `2GiB`, `5%`.
 *
 * @returns undefined for any other text.
 */
export function parseReserve(text: string): Reserve | undefined {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text.trim()) ?? [];
  if (percent !== undefined) {
    return Number(percent) <= 100 ? { percent: Number(percent) } : undefined;
  }
  const bytes = parseSize(text);
  return bytes === undefined ? undefined : { bytes };
}

/**
 * The reserve in bytes; by default the lesser of 5 % and 1 GiB.
 *
 * @param total the size of the file system in bytes.
 */
export function reserved(reserve: Reserve | undefined, total: number): number {
  if (reserve === undefined) return Math.min(Math.ceil(total * 0.05), 1024 ** 3);
  return 'bytes' in reserve ? reserve.bytes : Math.ceil((total * reserve.percent) / 100);
}
