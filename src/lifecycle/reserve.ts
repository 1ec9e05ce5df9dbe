/** What is to stay free of a file system. */
export type Reserve = { readonly bytes: number } | { readonly percent: number };

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/**
 * Reads a size as systemd does, base 1024, or a share of the file system: `500M`, `2G`, `5%`.
 *
 * @returns undefined for what is none.
 */
export function parseReserve(text: string): Reserve | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGTPE%]?)$/.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  if (unit === '%') return Number(number) <= 100 ? { percent: Number(number) } : undefined;
  const bytes = Math.ceil(Number(number) * 1024 ** UNITS.indexOf(unit));
  return Number.isSafeInteger(bytes) ? { bytes } : undefined;
}

/** In bytes, of a file system of so many bytes. By default the lesser of 5 % and 1 GiB. */
export function reserved(reserve: Reserve | undefined, total: number): number {
  if (reserve === undefined) return Math.min(Math.ceil(total * 0.05), 1024 ** 3);
  return 'bytes' in reserve ? reserve.bytes : Math.ceil((total * reserve.percent) / 100);
}
