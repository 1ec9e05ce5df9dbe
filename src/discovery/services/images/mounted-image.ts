import type { Option } from '../split-options.ts';
import type { Word } from '../words.ts';

/** A mount whose source podman has in one of its stores. */
export interface Mounted {
  readonly kind: 'image' | 'artifact';
  readonly source: Word;
}

/** The source of `--mount type=image,source=…` or `type=artifact`; undefined for other mounts. */
export function mountedSource(value: Word): Mounted | undefined {
  const fields = new Map<string, string>();
  // The value is a line of CSV, of which only the quotes matter here.
  for (const field of value.text.replaceAll('"', '').split(',')) {
    const equals = field.indexOf('=');
    if (equals > 0) fields.set(field.slice(0, equals), field.slice(equals + 1));
  }
  const source = fields.get('source') ?? fields.get('src');
  const kind = fields.get('type');
  if (source === undefined || (kind !== 'image' && kind !== 'artifact')) return undefined;
  const raw = value.fault === undefined ? source : value.raw;
  return { kind, source: { ...value, text: source, raw } };
}

/** The sources of the mounts of one kind among the options of a command. */
export function mountedSources(options: readonly Option[], kind: Mounted['kind']): readonly Word[] {
  return options.flatMap(({ name, value }) => {
    const mounted = name === 'mount' && value !== undefined ? mountedSource(value) : undefined;
    return mounted?.kind === kind ? [mounted.source] : [];
  });
}
