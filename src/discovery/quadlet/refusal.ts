import type { Problem } from '../../problem.ts';
import { scalar } from '../../systemd/lookup.ts';
import { commonRefusal } from './common-refusal.ts';
import { containerRefusal } from './container-refusal.ts';
import { isSet, missingImageUnit, refused, requiredKey, type Units } from './refused.ts';
import type { QuadletUnit } from './unit.ts';

/**
 * Why podman's generator makes no service of a unit, if so.
 *
 * Source: podman 6, pkg/systemd/quadlet/quadlet.go, `ConvertImage` and `ConvertVolume` here.
 */
export function refusalOf(unit: QuadletUnit, units: Units): Problem | undefined {
  return commonRefusal(unit, units.byName) ?? refusalByType(unit, units);
}

/** A volume, network or pod that is masked still comes to be, with defaults. */
export function makesService(unit: QuadletUnit, units: Units): boolean {
  const byItself = ['volume', 'network', 'pod'].includes(unit.type);
  return unit.masked ? byItself : refusalOf(unit, units) === undefined;
}

function refusalByType(unit: QuadletUnit, units: Units): Problem | undefined {
  switch (unit.type) {
    case 'container':
      return containerRefusal(unit, units);
    case 'image':
      return requiredKey(unit, 'Image', scalar(unit.entries, 'Image', 'Image'));
    case 'volume':
      return volumeRefusal(unit, units);
    case 'artifact':
    case 'build':
    case 'kube':
    case 'network':
    case 'pod':
      return undefined;
  }
}

function volumeRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
  const { entries } = unit;
  if (scalar(entries, 'Volume', 'Driver')?.value === 'image') {
    const image = scalar(entries, 'Volume', 'Image');
    if (image === undefined) return requiredKey(unit, 'Image', image);
    return missingImageUnit(unit, image, units);
  }
  const type = scalar(entries, 'Volume', 'Type');
  if (isSet(type) && !isSet(scalar(entries, 'Volume', 'Device'))) {
    return refused(unit, type, 'expected Device= with Type=, found none');
  }
  return undefined;
}
