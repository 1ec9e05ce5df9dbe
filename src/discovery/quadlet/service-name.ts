import { scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { sectionOf, type UnitType } from './unit.ts';

/**
 * The name of the service that a Quadlet file becomes: `ServiceName=` in the type's own section, or
 * by default a name made from the file name. In a template's name the `@` stays at the end:
 * `data@.volume` becomes `data-volume@.service` (up to podman 5.4: `data@-volume.service`).
 *
 * Source: podman, pkg/systemd/quadlet/quadlet.go, `getServiceName`.
 */
export function serviceName(
  fileName: string,
  type: UnitType,
  entries: readonly UnitEntry[],
): string {
  const chosen = scalar(entries, sectionOf[type], 'ServiceName');
  if (chosen !== undefined) return `${chosen.value}.service`;
  const dot = fileName.lastIndexOf('.');
  const base = dot > 0 ? fileName.slice(0, dot) : fileName;
  const suffix = type === 'container' || type === 'kube' ? '' : `-${type}`;
  return base.endsWith('@') ? `${base.slice(0, -1)}${suffix}@.service` : `${base}${suffix}.service`;
}
