import { list, scalar } from '../../../systemd/lookup.ts';
import type { Problem } from '../../problem.ts';
import type { QuadletUnit } from '../unit.ts';
import { commonRefusal } from './common-refusal.ts';
import { containerRefusal } from './container-refusal.ts';
import { partsRefusal, serviceRefusal } from './parts-refusal.ts';
import { isSet, missingImageUnit, refused, requiredKey, type Units } from './refused.ts';

/**
 * The reason for which podman's generator refuses to make a service of a unit; undefined if it
 * makes one.
 *
 * Source: podman 6, pkg/systemd/quadlet/quadlet.go, for this file `ConvertImage` and
 * `ConvertVolume`.
 */
export function refusalOf(unit: QuadletUnit, units: Units): Problem | undefined {
  return commonRefusal(unit, units.byName) ?? refusalByType(unit, units);
}

function refusalByType(unit: QuadletUnit, units: Units): Problem | undefined {
  switch (unit.type) {
    case 'container':
      return containerRefusal(unit, units);
    case 'image':
      return requiredKey(unit, 'Image', scalar(unit.entries, 'Image', 'Image'));
    case 'volume':
      return volumeRefusal(unit, units);
    case 'kube':
      return kubeRefusal(unit, units);
    case 'build':
      return buildRefusal(unit) ?? partsRefusal(unit, units);
    case 'artifact':
      return requiredKey(unit, 'Artifact', scalar(unit.entries, 'Artifact', 'Artifact'));
    case 'network':
      return subnetRefusal(unit);
    case 'pod':
      return partsRefusal(unit, units);
  }
}

function kubeRefusal(unit: QuadletUnit, units: Units): Problem | undefined {
  const directory = scalar(unit.entries, 'Kube', 'SetWorkingDirectory');
  const required = requiredKey(unit, 'Yaml', list(unit.entries, 'Kube', 'Yaml')[0]);
  if (required !== undefined) return required;
  if (isSet(directory) && !['yaml', 'unit'].includes(directory.value.toLowerCase())) {
    return refused(
      unit,
      directory,
      'expected SetWorkingDirectory=yaml or unit, found another value',
    );
  }
  return serviceRefusal(unit) ?? partsRefusal(unit, units);
}

/** Gateways and ranges belong to subnets. */
function subnetRefusal(unit: QuadletUnit): Problem | undefined {
  const all = (key: string) => list(unit.entries, 'Network', key);
  const subnets = all('Subnet').length;
  const more = [all('Gateway'), all('IPRange')].find(({ length }) => length > subnets)?.at(-1);
  return more && refused(unit, more, `expected a Subnet= for each ${more.key}=, found fewer`);
}

function buildRefusal(unit: QuadletUnit): Problem | undefined {
  const file = scalar(unit.entries, 'Build', 'File');
  const directory = scalar(unit.entries, 'Build', 'SetWorkingDirectory');
  const tag = list(unit.entries, 'Build', 'ImageTag')[0];
  if (tag === undefined) return requiredKey(unit, 'ImageTag', tag);
  const setting = directory?.value.toLowerCase();
  if (setting === 'yaml' || (setting === 'file' && !isSet(file))) {
    return refused(
      unit,
      directory,
      'expected unit, file with File=, or a path, found another value',
    );
  }
  if (isSet(file) || isSet(directory)) {
    if (isSet(directory) || /^(?:\/|https?:)/.test(file?.value ?? '')) return undefined;
    return refused(unit, file, 'expected SetWorkingDirectory= with a relative File=, found none');
  }
  return refused(unit, undefined, 'expected File= or SetWorkingDirectory=, found neither');
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
  const options = scalar(entries, 'Volume', 'Options');
  if (isSet(options) && !isSet(scalar(entries, 'Volume', 'Device'))) {
    return refused(unit, options, 'expected Device= with Options=, found none');
  }
  return undefined;
}
