import { list, scalar } from '../../systemd/lookup.ts';
import type { Problem } from '../problem.ts';
import {
  isSet,
  missingImageUnit,
  missingUnit,
  refused,
  requiredKey,
  type Units,
} from './refused.ts';
import type { QuadletUnit } from './unit.ts';

/**
 * The reason for which podman's generator refuses a `.container` unit.
 *
 * Source: podman 6, pkg/systemd/quadlet/quadlet.go, `ConvertContainer`.
 */
export function containerRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
  const image = scalar(unit.entries, 'Container', 'Image');
  const rootfs = scalar(unit.entries, 'Container', 'Rootfs');
  if (isSet(image) && isSet(rootfs)) {
    return refused(unit, rootfs, 'expected Image= or Rootfs=, found both');
  }
  if (!isSet(image) && !isSet(rootfs)) return requiredKey(unit, 'Image', image);
  return (
    missingImageUnit(unit, image, units) ??
    serviceRefusal(unit) ??
    resourceRefusal(unit, units) ??
    settingRefusal(unit)
  );
}

/** Checks settings in [Service] of which podman allows only some values. */
function serviceRefusal(unit: QuadletUnit): Problem | undefined {
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

/** Checks that the networks, volumes and pods exist that other Quadlet files make. */
function resourceRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
  for (const entry of list(unit.entries, 'Container', 'Network')) {
    const name = before(entry.value, ':');
    if (!name.endsWith('.network') && !name.endsWith('.container')) continue;
    if (!units.byName.has(name)) return missingUnit(unit, entry, name);
    if (units.refusedNetworks.has(name)) {
      return refused(unit, entry, `expected a network, found ${name}, which podman refuses`);
    }
  }
  for (const entry of list(unit.entries, 'Container', 'Volume')) {
    const name = before(entry.value, ':');
    const isUnit = entry.value.includes(':') && name.endsWith('.volume') && !/^[./]/.test(name);
    if (isUnit && !units.byName.has(name)) return missingUnit(unit, entry, name);
  }
  const pod = scalar(unit.entries, 'Container', 'Pod');
  if (!isSet(pod)) return undefined;
  if (!pod.value.endsWith('.pod')) return refused(unit, pod, 'expected a .pod unit in Pod=');
  return units.byName.has(pod.value) ? undefined : missingUnit(unit, pod, pod.value);
}

function settingRefusal(unit: QuadletUnit): Problem | undefined {
  const group = scalar(unit.entries, 'Container', 'Group');
  if (isSet(group) && !isSet(scalar(unit.entries, 'Container', 'User'))) {
    return refused(unit, group, 'expected User= with Group=, found none');
  }
  const port = list(unit.entries, 'Container', 'ExposeHostPort').find(
    ({ value }) => !/[0-9](\/udp|\/tcp)?$/.test(value.trim()),
  );
  if (port !== undefined) return refused(unit, port, 'expected a port or a range of ports');
  const command = scalar(unit.entries, 'Container', 'ReloadCmd');
  const signal = scalar(unit.entries, 'Container', 'ReloadSignal');
  if (isSet(command) && isSet(signal)) {
    return refused(unit, signal, 'expected ReloadCmd= or ReloadSignal=, found both');
  }
  return undefined;
}

function before(text: string, separator: string): string {
  const at = text.indexOf(separator);
  return at < 0 ? text : text.slice(0, at);
}
