import { type UnitName, unescapeName } from './unit-name.ts';

/** The known facts about the user whose manager runs a unit; empty if it may be any user. */
export interface UserOfUnits {
  readonly uid?: number;
  readonly gid?: number;
  readonly name?: string;
  readonly home?: string;
}

/** The values from which the specifiers of a unit are replaced. */
export interface SpecifierContext {
  /** The service that the unit becomes. */
  readonly unit: UnitName;
  /** The root's architecture in systemd's spelling: `x86-64`, `arm64`. */
  readonly architecture: string;
  /** The fields of the root's own os-release; undefined if the root has none. */
  readonly osRelease: ReadonlyMap<string, string> | undefined;
  /** The user whose manager runs the unit; absent for the system's manager. */
  readonly user?: UserOfUnits;
}

/** The text with its specifiers replaced, or why one of them has no known value. */
export type Expanded =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/**
 * Replaces the specifiers whose values the root itself determines. Unknown specifiers stay as they
 * are, as in systemd.
 *
 * Source: systemd.unit(5), "Specifiers".
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
  const fixed = fixedValues[letter] ?? managerValue(letter, context.user);
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
  T: '/tmp',
  V: '/var/tmp',
};

const systemValues: Readonly<Record<string, string>> = {
  t: '/run',
  S: '/var/lib',
  C: '/var/cache',
  L: '/var/log',
  E: '/etc',
  h: '/root',
  u: 'root',
  U: '0',
  g: 'root',
  G: '0',
};

function managerValue(
  letter: string,
  user: UserOfUnits | undefined,
): string | Expanded | undefined {
  const systemValue = systemValues[letter];
  if (user === undefined || systemValue === undefined) return systemValue;
  return (
    userValue(letter, user) ?? {
      ok: false,
      message: `expected a value that the root itself answers, found %${letter}, which depends on the user`,
      hint: `write the value out instead of %${letter}`,
    }
  );
}

/** The value of a specifier for a user's manager, with the defaults of the XDG variables. */
function userValue(letter: string, { uid, gid, name, home }: UserOfUnits): string | undefined {
  const below = (path: string) => (home === undefined ? undefined : `${home}${path}`);
  switch (letter) {
    case 't':
      return uid === undefined ? undefined : `/run/user/${uid}`;
    case 'S':
      return below('/.local/state');
    case 'C':
      return below('/.cache');
    case 'L':
      return below('/.local/state/log');
    case 'E':
      return below('/.config');
    case 'h':
      return home;
    case 'u':
      return name;
    case 'U':
      return uid?.toString();
    case 'G':
      return gid?.toString();
    default:
      return undefined;
  }
}

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

/** An unset field is the empty string. Without any os-release systemd fails to load the unit. */
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
