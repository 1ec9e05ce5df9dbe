const UNITS = ['', 'k', 'm', 'g', 't', 'p', 'e'];

/**
 * Reads a size: decimal as berth's own output has it, `500MB` or `500M` for short, and base 1024 where
 * that is said, `1.5GiB`.
 *
 * @returns bytes, or undefined for what is no size.
 */
export function parseSize(text: string): number | undefined {
  const [, number, unit = '', suffix = ''] =
    /^(\d{1,18}(?:\.\d{1,6})?) ?([kmgtpe]?)(b|(?<=[kmgtpe])ib)?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const base = suffix.length === 2 ? 1024 : 1000;
  const bytes = Math.ceil(Number(number) * base ** UNITS.indexOf(unit.toLowerCase()));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
