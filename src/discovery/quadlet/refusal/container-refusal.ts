import { list, scalar } from '../../../systemd/lookup.ts';
import type { Problem } from '../../problem.ts';
import type { QuadletUnit } from '../unit.ts';
import { mountRefusal } from './mount-refusal.ts';
import { partsRefusal, serviceRefusal } from './parts-refusal.ts';
import {
  isSet,
  missingImageUnit,
  missingUnit,
  refused,
  requiredKey,
  type Units,
} from './refused.ts';

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
    partsRefusal(unit, units) ??
    mountRefusal(unit, units) ??
    podRefusal(unit, units) ??
    settingRefusal(unit)
  );
}

/** Checks that the pod exists. */
function podRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
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
