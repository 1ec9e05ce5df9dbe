const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/**
 * Reads a size as systemd does, base 1024: `500M`, `1.5G`.
 *
 * @returns bytes, or undefined for what is no size.
 */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGTPE]?)$/.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const bytes = Math.ceil(Number(number) * 1024 ** UNITS.indexOf(unit));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
