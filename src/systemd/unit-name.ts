/** The parts of a unit's name (systemd.unit(5), "Description" and "Specifiers"). */
export interface UnitName {
  /** `app-web@eu.service` */
  readonly full: string;
  /** `app-web@eu`: without the type. */
  readonly bare: string;
  /** `app-web`: before the first `@`, or all of `bare`. */
  readonly prefix: string;
  /** `eu`: between the first `@` and the type; empty for a template, absent for a plain unit. */
  readonly instance?: string;
}

/** Splits a name into its parts, without checking whether it is valid. */
export function parseUnitName(full: string): UnitName {
  const dot = full.lastIndexOf('.');
  const bare = dot > 0 ? full.slice(0, dot) : full;
  const at = bare.indexOf('@');
  if (at < 0) return { full, bare, prefix: bare };
  return { full, bare, prefix: bare.slice(0, at), instance: bare.slice(at + 1) };
}

/** The unit that a template becomes with an instance name. */
export function withInstance(name: UnitName, instance: string): UnitName {
  return parseUnitName(`${name.prefix}@${instance}${name.full.slice(name.bare.length)}`);
}

/**
 * The name of the unit for a path, without its type: `srv-data` for `/srv/data`
 * (systemd.unit(5), "String escaping for inclusion in unit names").
 */
export function escapePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0) return '-';
  const bytes = Buffer.from(parts.join('/'));
  return Array.from(bytes, (byte, at) => {
    const char = String.fromCharCode(byte);
    if (char === '/') return '-';
    const isPlain = /[A-Za-z0-9:_.]/.test(char) && !(at === 0 && char === '.');
    return isPlain ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}

/**
 * Undoes the escaping of unit names: `-` stands for `/`, and `\x2d` for the byte 0x2d
 * (systemd.unit(5), "String escaping for inclusion in unit names").
 *
 * @returns undefined for an invalid escape, for which systemd refuses the unit.
 */
export function unescapeName(text: string): string | undefined {
  const bytes: Buffer[] = [];
  let at = 0;
  for (;;) {
    const backslash = text.indexOf('\\', at);
    const plain = text.slice(at, backslash < 0 ? undefined : backslash);
    bytes.push(Buffer.from(plain.replaceAll('-', '/')));
    if (backslash < 0) return Buffer.concat(bytes).toString();
    const hex = text.slice(backslash + 2, backslash + 4);
    if (text[backslash + 1] !== 'x' || !/^[0-9a-fA-F]{2}$/.test(hex)) return undefined;
    bytes.push(Buffer.from(hex, 'hex'));
    at = backslash + 4;
  }
}

/**
 * Instantiates a template that a unit names without an instance, with the instance of the unit or, if
 * the unit has none, with its prefix (systemd's `resolve_template`).
 */
export function resolvedTemplate(unit: string, name: string): string {
  const template = parseUnitName(name);
  if (template.instance !== '') return name;
  const { instance, prefix } = parseUnitName(unit);
  return withInstance(template, instance ?? prefix).full;
}
