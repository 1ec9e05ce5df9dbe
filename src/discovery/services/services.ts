import { append } from '../../common/append.ts';
import type { UserOfUnits } from '../../systemd/specifiers.ts';
import type { SystemdUnit, SystemdUnits } from '../../systemd/systemd-unit.ts';
import { parseUnitName } from '../../systemd/unit-name.ts';
import { Expander } from '../expander.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { Scripts } from './scripts.ts';
import { imagesOfService, mayNameImages } from './service-images.ts';

/**
 * Finds the images that services name in command lines of podman, docker, nerdctl and ctr: plain
 * services, and the commands that Quadlet units and their drop-ins add.
 *
 * @param instances names of units that may start without a file of their own:
 *   `podman-kube@-etc-app.yaml.service`.
 * @param user the user whose manager runs the services; the system's manager by default.
 */
export async function serviceImages(
  context: SourceContext,
  units: SystemdUnits,
  instances: Iterable<string> = [],
  user?: UserOfUnits,
): Promise<Found> {
  const services = new Map<string, SystemdUnit>();
  for (const unit of units.services()) services.set(unit.name, unit);
  for (const name of instances) {
    if (!name.endsWith('.service') || services.has(name)) continue;
    const unit = units.unit(name);
    if (unit !== undefined) services.set(unit.name, unit);
  }
  const instantiated = new Set<string>();
  for (const name of services.keys()) {
    if (!name.includes('@')) continue;
    const { prefix, instance } = parseUnitName(name);
    if (instance !== undefined && instance !== '') instantiated.add(`${prefix}@.service`);
  }
  const expander = new Expander(context, user);
  const scripts = new Scripts(context);
  const references: Reference[] = [];
  const problems: Problem[] = [];
  for (const unit of services.values()) {
    // Templates are reported as their instances.
    if (unit.masked || instantiated.has(unit.name)) continue;
    if (!mayNameImages(unit, scripts)) continue;
    const found = await imagesOfService(unit, { ...context, expander, scripts });
    append(references, found.references);
    append(problems, found.problems);
  }
  return { references, problems };
}
