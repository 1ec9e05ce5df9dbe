import type { Word } from './words.ts';

/** The image of `--mount type=image,source=…`; undefined for other mounts. */
export function mountedImage(value: Word): Word | undefined {
  const fields = new Map<string, string>();
  // The value is a line of CSV, of which only the quotes matter here.
  for (const field of value.text.replaceAll('"', '').split(',')) {
    const equals = field.indexOf('=');
    if (equals > 0) fields.set(field.slice(0, equals), field.slice(equals + 1));
  }
  const source = fields.get('source') ?? fields.get('src');
  if (fields.get('type') !== 'image' || source === undefined) return undefined;
  return { ...value, text: source, raw: value.fault === undefined ? source : value.raw };
}
