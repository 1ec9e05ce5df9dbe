const UNITS = ['', 'k', 'm', 'g', 't', 'p', 'e'];

/**
 * Parses a size: `500MB` or `500M` is decimal, as in berth's output, and `1.5GiB` has base 1024.
 *
 * @returns the number of bytes, or undefined if the text is no size.
 */
export function parseSize(text: string): number | undefined {
  const [, number, unit = '', suffix = ''] =
    /^(\d{1,18}(?:\.\d{1,6})?) ?([kmgtpe]?)(b|(?<=[kmgtpe])ib)?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const base = suffix.length === 2 ? 1024 : 1000;
  const bytes = Math.ceil(Number(number) * base ** UNITS.indexOf(unit.toLowerCase()));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
