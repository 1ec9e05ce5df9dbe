/** Whether berth reads an assignment of a systemd unit. All others are dropped to save memory. */
export function isReadKey(group: string, key: string): boolean {
  if (group === 'X-Berth') return true;
  if (group === 'Unit')
    return unitKeys.has(key) || key.startsWith('Condition') || key.startsWith('Assert');
  if (group === 'Service') return serviceKeys.has(key) || key.startsWith('Exec');
  return otherKeys[group]?.has(key) === true;
}

const unitKeys: ReadonlySet<string> = new Set([
  'Wants',
  'Requires',
  'BindsTo',
  'Upholds',
  'OnFailure',
  'OnSuccess',
  'DefaultDependencies',
]);

const serviceKeys: ReadonlySet<string> = new Set([
  'BusName',
  'DynamicUser',
  'Environment',
  'EnvironmentFile',
  'PassEnvironment',
  'PermissionsStartOnly',
  'Slice',
  'Sockets',
  'Type',
  'UnsetEnvironment',
  'User',
  'WorkingDirectory',
]);

const otherKeys: Readonly<Record<string, ReadonlySet<string>>> = {
  Install: new Set(['Alias', 'Also', 'DefaultInstance', 'RequiredBy', 'UpheldBy', 'WantedBy']),
  Path: new Set(['Unit']),
  Socket: new Set(['Accept', 'Service']),
  Timer: new Set(['Unit']),
};
