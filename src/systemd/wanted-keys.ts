/**
 * Whether berth reads an assignment of a systemd unit. All others are dropped to save memory. A section
 * that systemd does not know is kept as the key `[`, its commands too, and a line without `=` as an empty
 * key: systemd ignores them with a warning, and a unit may miss its command for that.
 */
export function isReadKey(group: string, key: string): boolean {
  if (key === '[') return !isSection(group);
  // systemd does not look at the lines of a section that it passes over.
  if (key === '') return group === '' || sections.has(group);
  if (group === 'X-Berth') return true;
  if (group === 'Unit')
    return unitKeys.has(key) || key.startsWith('Condition') || key.startsWith('Assert');
  if (group === 'Service') return serviceKeys.has(key) || key.startsWith('Exec');
  if (!isSection(group)) return key.startsWith('Exec');
  return otherKeys[group]?.has(key) === true;
}

/** Whether systemd reads or deliberately passes over a section, in units of any type. */
export function isSection(name: string): boolean {
  return name.startsWith('X-') || sections.has(name);
}

const sections: ReadonlySet<string> = new Set(
  'Automount Install Mount Path Scope Service Slice Socket Swap Timer Unit'.split(' '),
);

/** The keys of [Service] whose values are command lines, in the order in which a service runs them. */
export const commandKeys = [
  'ExecCondition',
  'ExecStartPre',
  'ExecStart',
  'ExecStartPost',
  'ExecReload',
  'ExecReloadPost',
  'ExecStop',
  'ExecStopPost',
] as const;

const unitKeys: ReadonlySet<string> = new Set([
  'Wants',
  'Requires',
  'Requisite',
  'BindsTo',
  'Upholds',
  'OnFailure',
  'OnSuccess',
  'DefaultDependencies',
  'SuccessAction',
]);

const serviceKeys: ReadonlySet<string> = new Set([
  'BusName',
  'DynamicUser',
  'Environment',
  'EnvironmentFile',
  'ExitType',
  'Group',
  'KillMode',
  'PAMName',
  'PassEnvironment',
  'PermissionsStartOnly',
  'RemainAfterExit',
  'RootDirectory',
  'RootImage',
  'Restart',
  'Slice',
  'StandardInput',
  'StandardInputText',
  'Sockets',
  'SupplementaryGroups',
  'Type',
  'UnsetEnvironment',
  'User',
  'WorkingDirectory',
]);

/** The keys of [Socket] that mean what they mean in [Service], as far as berth reads them. */
export const socketKeys: readonly string[] = [
  'DynamicUser',
  'Environment',
  'EnvironmentFile',
  'ExecSearchPath',
  'ExecStartPost',
  'ExecStartPre',
  'ExecStopPost',
  'ExecStopPre',
  'PassEnvironment',
  'RootDirectory',
  'RootImage',
  'UnsetEnvironment',
  'User',
  'WorkingDirectory',
];

const otherKeys: Readonly<Record<string, ReadonlySet<string>>> = {
  Install: new Set(['Alias', 'Also', 'DefaultInstance', 'RequiredBy', 'UpheldBy', 'WantedBy']),
  Path: new Set(['Unit']),
  Socket: new Set(['Accept', 'Service', ...socketKeys]),
  Timer: new Set(['Unit']),
};
