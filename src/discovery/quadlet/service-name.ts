import { scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { sectionOf, type UnitType } from './unit.ts';

/**
 * The service that a Quadlet file becomes: `ServiceName=` in its own section, else a name made of
 * the file's, in which a template keeps its `@` at the end: `data@.volume` is
 * `data-volume@.service` (podman 5.4 and before: `data@-volume.service`).
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
