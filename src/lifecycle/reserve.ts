import { parseSize } from '../common/parse-size.ts';

/** What is to stay free of a file system. */
export type Reserve = { readonly bytes: number } | { readonly percent: number };

/**
 * Reads a size, or a share of the file system: `500MB`, `2GiB`, `5%`.
 *
 * @returns undefined for what is none.
 */
export function parseReserve(text: string): Reserve | undefined {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text.trim()) ?? [];
  if (percent !== undefined) {
    return Number(percent) <= 100 ? { percent: Number(percent) } : undefined;
  }
  const bytes = parseSize(text);
  return bytes === undefined ? undefined : { bytes };
}

/** In bytes, of a file system of so many bytes. By default the lesser of 5 % and 1 GiB. */
export function reserved(reserve: Reserve | undefined, total: number): number {
  if (reserve === undefined) return Math.min(Math.ceil(total * 0.05), 1024 ** 3);
  return 'bytes' in reserve ? reserve.bytes : Math.ceil((total * reserve.percent) / 100);
}
