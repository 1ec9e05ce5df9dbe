import type { UnitEntry } from '../unit-file.ts';
import { commandCount, isFaulty, wrongSetting } from './faulty-setting.ts';

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
 * @param added the assignments of its drop-ins that count (`upToFault`).
 */
export function serviceRefusal(
  own: readonly UnitEntry[],
  added: readonly UnitEntry[],
): ServiceRefusal | undefined {
  if (added.length === 0 && isGeneratedAlone(own)) return undefined;
  const faulty = own.find(isFaulty);
  if (faulty !== undefined) return { at: faulty, message: wrongSetting(faulty) };
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

/**
 * Whether [Service] is what Quadlet's generator writes by itself, which systemd accepts. A big root has
 * thousands of such services.
 */
function isGeneratedAlone(entries: readonly UnitEntry[]): boolean {
  return (
    entries.some(({ quadlet }) => quadlet === true) &&
    entries.every(({ group, path }) => group !== 'Service' || path === '')
  );
}

function settingsOf(entries: readonly UnitEntry[]): Settings {
  let starts: UnitEntry[] = [];
  let stops = 0;
  const valid = new Map<string, UnitEntry>();
  for (const entry of entries) {
    const { group, key, value } = entry;
    if (group === 'Service' && key === 'ExecStart') {
      if (value === '') starts = [];
      for (let i = commandCount(value); i > 0; i--) starts.push(entry);
    } else if (group === 'Service' && key === 'ExecStop') {
      stops = value === '' ? 0 : stops + Math.max(0, commandCount(value));
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

function isYes(entry: UnitEntry | undefined): boolean {
  return /^(?:1|yes|y|true|t|on)$/i.test(entry?.value ?? '');
}
