import { list, scalar } from '../../../systemd/lookup.ts';
import type { Problem } from '../../problem.ts';
import { type QuadletUnit, sectionOf } from '../unit.ts';
import { isSet, missingUnit, refused, type Units } from './refused.ts';

/**
 * The reasons for which podman refuses keys that several types have. Held against podman 5.4.2 and
 * 5.8.6 by generated units.
 *
 * Source: podman 6, pkg/systemd/quadlet/quadlet.go, `addNetworks`, `addVolumes`, `handleUserMappings`.
 */
export function partsRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
  return networkRefusal(unit, units) ?? volumeRefusal(unit, units) ?? mappingRefusal(unit);
}

/** Checks that the networks exist that other Quadlet files make. */
function networkRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
  for (const entry of list(unit.entries, sectionOf[unit.type], 'Network')) {
    const name = before(entry.value, ':');
    if (!name.endsWith('.network') && !name.endsWith('.container')) continue;
    if (!units.byName.has(name)) return missingUnit(unit, entry, name);
    if (units.refusedNetworks.has(name)) {
      return refused(unit, entry, `expected a network, found ${name}, which podman refuses`);
    }
  }
  return undefined;
}

/** Checks that the volumes exist that other Quadlet files make. */
function volumeRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
  for (const entry of list(unit.entries, sectionOf[unit.type], 'Volume')) {
    const name = before(entry.value, ':');
    const isUnit = entry.value.includes(':') && name.endsWith('.volume') && !/^[./]/.test(name);
    if (isUnit && !units.byName.has(name)) return missingUnit(unit, entry, name);
  }
  return undefined;
}

/** The keys that map users explicitly, which exclude the older keys that begin with `Remap`. */
const mappings = ['UserNS', 'UIDMap', 'GIDMap', 'SubUIDMap', 'SubGIDMap'] as const;
const remaps = ['RemapUid', 'RemapGid', 'RemapUsers'] as const;

const mappingKeys: ReadonlySet<string> = new Set([...mappings, ...remaps]);

function mappingRefusal(unit: QuadletUnit): Problem | undefined {
  // Most units map no users, and a search for each of the keys takes longer.
  if (!unit.entries.some(({ key }) => mappingKeys.has(key))) return undefined;
  const section = sectionOf[unit.type];
  const last = (key: string) => scalar(unit.entries, section, key);
  const all = (key: string) => list(unit.entries, section, key);
  const isMapped = mappings.some((key) =>
    key === 'UIDMap' || key === 'GIDMap' ? all(key).length > 0 : isSet(last(key)),
  );
  const older = remaps.map(last).find((entry) => entry !== undefined);
  if (isMapped) {
    return (
      older && refused(unit, older, `expected no ${older.key}= beside explicit mappings, found it`)
    );
  }
  const ids = [...all('RemapUid'), ...all('RemapGid')];
  const users = last('RemapUsers');
  switch (users?.value ?? '') {
    case '':
      return (
        ids[0] && refused(unit, ids[0], `expected RemapUsers= with ${ids[0].key}=, found none`)
      );
    case 'auto':
      return undefined;
    case 'keep-id': {
      const several = [all('RemapUid'), all('RemapGid')].find((of) => wordsOf(of) > 1)?.[0];
      return (
        several && refused(unit, several, `expected one value of ${several.key}= with keep-id`)
      );
    }
    case 'manual':
      return unit.type === 'kube'
        ? refused(unit, users, 'expected another value than RemapUsers=manual in a .kube unit')
        : undefined;
    default:
      return refused(
        unit,
        users,
        'expected RemapUsers=manual, auto or keep-id, found another value',
      );
  }
}

function wordsOf(entries: readonly { readonly value: string }[]): number {
  return entries.flatMap(({ value }) => value.split(/\s+/).filter((word) => word !== '')).length;
}

/** Checks settings in [Service] of which podman allows only some values. */
export function serviceRefusal(unit: QuadletUnit): Problem | undefined {
  const killMode = scalar(unit.entries, 'Service', 'KillMode');
  if (killMode !== undefined && !['mixed', 'control-group'].includes(killMode.value)) {
    return refused(unit, killMode, 'expected KillMode=mixed or control-group, found another');
  }
  const type = scalar(unit.entries, 'Service', 'Type');
  if (type !== undefined && !['notify', 'oneshot'].includes(type.value)) {
    return refused(unit, type, 'expected Type=notify or oneshot, found another');
  }
  return undefined;
}

function before(text: string, separator: string): string {
  const at = text.indexOf(separator);
  return at < 0 ? text : text.slice(0, at);
}
