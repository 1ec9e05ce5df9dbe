import { commandLines, commandWords } from './command-line.ts';
import type { UnitEntry } from './unit-file.ts';
import { commandKeys } from './wanted-keys.ts';
import { nextWord } from './words.ts';

/** The reason for which systemd loads a service only as `bad-setting`, so that it never starts. */
export interface ServiceRefusal {
  /** The setting to blame; absent if a setting is missing. */
  readonly at?: UnitEntry;
  /** States what was expected and what was found. */
  readonly message: string;
}

/** The settings of a service on which it depends whether systemd accepts it. */
interface Settings {
  /** The entry of each command of `ExecStart=`. */
  readonly starts: readonly UnitEntry[];
  readonly stops: number;
  /** For each other setting with a valid value, the entry that counts. */
  readonly valid: ReadonlyMap<string, UnitEntry>;
}

/**
 * The reason for which systemd refuses a service as a whole; undefined if systemd accepts it. Held
 * against systemd 257.
 *
 * Source: systemd, src/core/service.c, `service_verify`, and load-fragment.c, `config_parse_exec`.
 *
 * @param own the assignments of the service's own file, or of the file that a generator makes.
 * @param added the assignments of its drop-ins, in which systemd only ignores a faulty command.
 */
export function serviceRefusal(
  own: readonly UnitEntry[],
  added: readonly UnitEntry[],
): ServiceRefusal | undefined {
  const faulty = own.find(
    ({ group, key, value }) => group === 'Service' && commands.has(key) && count(value) < 0,
  );
  if (faulty !== undefined) {
    return {
      at: faulty,
      message: `expected a valid command in ${faulty.key}=, found another text`,
    };
  }
  const settings = settingsOf(added.length === 0 ? own : [...own, ...added]);
  const service = { ...settings, type: typeOf(settings) };
  const broken = rules.find(({ isBroken }) => isBroken(service));
  if (broken === undefined) return undefined;
  // The commands of a generator have no place.
  const last = settings.starts.findLast(({ path }) => path !== '');
  const entry = broken.key === 'ExecStart' ? last : settings.valid.get(broken.key);
  return {
    ...(entry === undefined || entry.path === '' ? {} : { at: entry }),
    message: broken.message,
  };
}

function settingsOf(entries: readonly UnitEntry[]): Settings {
  let starts: UnitEntry[] = [];
  let stops = 0;
  const valid = new Map<string, UnitEntry>();
  for (const entry of entries) {
    const { group, key, value } = entry;
    if (group === 'Service' && key === 'ExecStart') {
      if (value === '') starts = [];
      for (let i = count(value); i > 0; i--) starts.push(entry);
    } else if (group === 'Service' && key === 'ExecStop') {
      stops = value === '' ? 0 : stops + Math.max(0, count(value));
    } else {
      const setting = valuesOf.get(key);
      if (setting?.group === group && setting.values.test(value)) valid.set(key, entry);
    }
  }
  return { starts, stops, valid };
}

/** A combination of settings that systemd refuses. */
interface Rule {
  readonly isBroken: (service: Settings & { readonly type: string }) => boolean;
  /** The setting to blame, if it is written. */
  readonly key: string;
  /** States what was expected and what was found. */
  readonly message: string;
}

const rules: readonly Rule[] = [
  {
    isBroken: ({ starts, stops, valid }) => starts.length + stops === 0 && !hasAction(valid),
    key: 'ExecStart',
    message: 'expected ExecStart=, found none',
  },
  {
    isBroken: ({ starts, type }) => starts.length === 0 && type !== 'oneshot',
    key: 'Type',
    message: 'expected ExecStart= or Type=oneshot, found neither',
  },
  {
    isBroken: ({ starts, valid }) =>
      starts.length === 0 && !hasAction(valid) && !isYes(valid.get('RemainAfterExit')),
    key: 'RemainAfterExit',
    message: 'expected ExecStart= or RemainAfterExit=yes, found neither',
  },
  {
    isBroken: ({ starts, type }) => starts.length > 1 && type !== 'oneshot',
    key: 'ExecStart',
    message: 'expected one command in ExecStart= without Type=oneshot, found more',
  },
  {
    isBroken: ({ type, valid }) =>
      type === 'oneshot' && /^(?:always|on-success)$/.test(valid.get('Restart')?.value ?? ''),
    key: 'Restart',
    message: 'expected no Restart=always or on-success with Type=oneshot, found one',
  },
  {
    isBroken: ({ type, valid }) => type === 'oneshot' && valid.get('ExitType')?.value === 'cgroup',
    key: 'ExitType',
    message: 'expected no ExitType=cgroup with Type=oneshot, found it',
  },
  {
    isBroken: ({ type, valid }) => type === 'dbus' && !valid.has('BusName'),
    key: 'Type',
    message: 'expected BusName= with Type=dbus, found none',
  },
  {
    isBroken: ({ valid }) =>
      valid.has('PAMName') && /^(?:process|none)$/.test(valid.get('KillMode')?.value ?? ''),
    key: 'KillMode',
    message: 'expected KillMode=control-group or mixed with PAMName=, found another',
  },
];

function hasAction(valid: Settings['valid']): boolean {
  return (valid.get('SuccessAction')?.value ?? 'none') !== 'none';
}

/** The type of a service: without `Type=`, systemd chooses one by the other settings. */
function typeOf({ starts, valid }: Pick<Settings, 'starts' | 'valid'>): string {
  const written = valid.get('Type')?.value;
  if (written !== undefined) return written;
  if (valid.has('BusName')) return 'dbus';
  return starts.length > 0 ? 'simple' : 'oneshot';
}

/**
 * The settings that matter besides commands, with the values that systemd accepts. It ignores any
 * other value, so that an earlier one counts.
 */
const valuesOf: ReadonlyMap<string, { readonly group: string; readonly values: RegExp }> = new Map([
  ['BusName', { group: 'Service', values: /./ }],
  ['ExitType', { group: 'Service', values: /^(?:main|cgroup)$/ }],
  ['KillMode', { group: 'Service', values: /^(?:control-group|mixed|process|none)$/ }],
  ['PAMName', { group: 'Service', values: /./ }],
  ['RemainAfterExit', { group: 'Service', values: /^(?:1|yes|y|true|t|on|0|no|n|false|f|off)$/i }],
  [
    'Restart',
    {
      group: 'Service',
      values: /^(?:no|on-success|on-failure|on-abnormal|on-watchdog|on-abort|always)$/,
    },
  ],
  [
    'SuccessAction',
    {
      group: 'Unit',
      values:
        /^(?:none|exit(?:-force)?|(?:reboot|poweroff|soft-reboot|kexec|halt)(?:-force|-immediate)?)$/,
    },
  ],
  [
    'Type',
    {
      group: 'Service',
      values: /^(?:simple|exec|forking|oneshot|dbus|notify|notify-reload|idle)$/,
    },
  ],
]);

const commands: ReadonlySet<string> = new Set(commandKeys);

/**
 * The number of commands in a value; -1 for a faulty one, for which systemd refuses the whole file.
 * With the prefix `-` a faulty command is only ignored.
 */
function count(value: string): number {
  if (value === '') return 0;
  if (!/["'\\;]/.test(value)) {
    const [program = ''] = /^[^ \t]*/.exec(value) ?? [];
    if (isProgram(program.replace(/^[-@:+!|]+/, ''))) return 1;
    return isIgnored(program) ? 0 : -1;
  }
  const lines = commandLines(value);
  if (lines === undefined) {
    const first = nextWord(value, 0, commandWords);
    return first === undefined || isIgnored(first.text) ? 0 : -1;
  }
  const faulty = lines.findIndex(({ words }) => !isProgram(words[0] ?? ''));
  if (faulty < 0) return lines.length;
  return lines[faulty]?.ignoresFailure === true ? faulty : -1;
}

/** Whether a word is an absolute path, or a name that systemd looks up. */
function isProgram(word: string): boolean {
  return word !== '' && !word.endsWith('/') && (word.startsWith('/') || !word.includes('/'));
}

function isIgnored(word: string): boolean {
  return /^[@:+!|]*-/.test(word);
}

function isYes(entry: UnitEntry | undefined): boolean {
  return /^(?:1|yes|y|true|t|on)$/i.test(entry?.value ?? '');
}
