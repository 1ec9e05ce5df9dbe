import { type UnitName, unescapeName } from './unit-name.ts';

/** What the specifiers of a unit of the system manager stand for. */
export interface SpecifierContext {
  /** The service that the unit becomes. */
  readonly unit: UnitName;
  /** The root's architecture in systemd's spelling: `x86-64`, `arm64`. */
  readonly architecture: string;
  /** The root's own os-release, absent if it has none. */
  readonly osRelease: ReadonlyMap<string, string> | undefined;
}

export type Expanded =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/**
 * Replaces the specifiers that the root itself answers. One that systemd does not know stays as
 * it is.
 *
 * Source: systemd.unit(5), "Specifiers", for the system manager.
 */
export function expandSpecifiers(text: string, context: SpecifierContext): Expanded {
  if (!text.includes('%')) return { ok: true, text };
  const parts: string[] = [];
  let at = 0;
  for (let percent = text.indexOf('%'); percent >= 0; percent = text.indexOf('%', at)) {
    const letter = text.charAt(percent + 1);
    const value = valueOf(letter, context);
    if (typeof value !== 'string') return value;
    parts.push(text.slice(at, percent), value);
    at = percent + 1 + letter.length;
  }
  return { ok: true, text: parts.join('') + text.slice(at) };
}

function valueOf(letter: string, context: SpecifierContext): string | Expanded {
  const fixed = fixedValues[letter];
  if (fixed !== undefined) return fixed;
  if (hostOnly[letter] !== undefined) {
    return {
      ok: false,
      message: `expected a value that the root itself answers, found %${letter}, ${hostOnly[letter]}, which only the booted host knows`,
      hint: `write the value out instead of %${letter}`,
    };
  }
  const field = osReleaseFields[letter];
  if (field !== undefined) return osReleaseValue(letter, field, context);
  return unitValue(letter, context) ?? `%${letter}`;
}

const fixedValues: Readonly<Record<string, string>> = {
  '%': '%',
  t: '/run',
  S: '/var/lib',
  C: '/var/cache',
  L: '/var/log',
  E: '/etc',
  T: '/tmp',
  V: '/var/tmp',
  h: '/root',
  u: 'root',
  U: '0',
  g: 'root',
  G: '0',
};

const hostOnly: Readonly<Record<string, string>> = {
  b: 'the boot ID',
  d: 'the credentials directory',
  H: 'the host name',
  l: 'the short host name',
  m: 'the machine ID',
  q: 'the pretty host name',
  s: "the user's shell",
  v: 'the kernel release',
  y: 'the path of the generated unit',
  Y: 'the directory of the generated unit',
};

const osReleaseFields: Readonly<Record<string, string>> = {
  o: 'ID',
  w: 'VERSION_ID',
  W: 'VARIANT_ID',
  A: 'IMAGE_VERSION',
  B: 'BUILD_ID',
  M: 'IMAGE_ID',
};

/** A field that is not set is the empty string; without any os-release systemd gives up. */
function osReleaseValue(
  letter: string,
  field: string,
  { osRelease }: SpecifierContext,
): string | Expanded {
  if (osRelease !== undefined) return osRelease.get(field) ?? '';
  return {
    ok: false,
    message: `expected an os-release with ${field}= for %${letter}, the root has no os-release`,
    hint: 'ship /usr/lib/os-release in the root, or write the value out',
  };
}

function unitValue(
  letter: string,
  { unit, architecture }: SpecifierContext,
): string | Expanded | undefined {
  const lastPart = unit.prefix.slice(unit.prefix.lastIndexOf('-') + 1);
  switch (letter) {
    case 'a':
      return architecture;
    case 'n':
      return unit.full;
    case 'N':
      return unit.bare;
    case 'p':
      return unit.prefix;
    case 'P':
      return unescaped(letter, unit.prefix);
    case 'j':
      return lastPart;
    case 'J':
      return unescaped(letter, lastPart);
    case 'i':
    case 'I':
    case 'f':
      return instanceValue(letter, unit);
    default:
      return undefined;
  }
}

function instanceValue(letter: string, unit: UnitName): string | Expanded {
  if (unit.instance === '') {
    return {
      ok: false,
      message: `expected an instance for %${letter}, found the template ${unit.full} by itself`,
      hint: 'add the instances that run, as links to the template, or DefaultInstance= in [Install]',
    };
  }
  if (letter === 'i') return unit.instance ?? '';
  if (letter === 'I') return unescaped(letter, unit.instance ?? '');
  const path = unescaped(letter, unit.instance ?? unit.prefix);
  if (typeof path !== 'string') return path;
  return path.startsWith('/') ? path : `/${path}`;
}

function unescaped(letter: string, text: string): string | Expanded {
  return (
    unescapeName(text) ?? {
      ok: false,
      message: `expected an escaped name for %${letter}, found ${JSON.stringify(text)}`,
      hint: 'make the name with systemd-escape(1)',
    }
  );
}
