import { append } from '../../common/append.ts';
import type { UserOfUnits } from '../../systemd/specifiers.ts';
import type { SystemdUnit, SystemdUnits } from '../../systemd/systemd-unit.ts';
import { parseUnitName, withInstance } from '../../systemd/unit-name.ts';
import { Expander } from '../expander.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { Scripts } from './scripts/scripts.ts';
import { imagesOfService, mayNameImages } from './service-images.ts';
import { asService } from './socket-commands.ts';

/**
 * Finds the images that services name in command lines of podman, docker, nerdctl and ctr: plain
 * services, the commands that Quadlet units and their drop-ins add, and those of sockets.
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
  const found = withCommands(units, instances);
  const instantiated = new Set<string>();
  for (const name of found.keys()) {
    if (!name.includes('@')) continue;
    const { instance, ...template } = parseUnitName(name);
    if (instance) instantiated.add(withInstance(template, '').full);
  }
  const expander = new Expander(context, user);
  const scripts = new Scripts(context);
  const references: Reference[] = [];
  const problems: Problem[] = [];
  for (const unit of found.values()) {
    // Templates are reported as their instances.
    if (unit.masked || instantiated.has(unit.name)) continue;
    if (context.allowance.isFull) break;
    if (!mayNameImages(unit, scripts)) continue;
    const images = await imagesOfService(unit, { ...context, expander, scripts });
    append(references, images.references);
    append(problems, images.problems);
  }
  return { references, problems };
}

/** The units that have commands, by name: services, and sockets as the services that they resemble. */
function withCommands(
  units: SystemdUnits,
  instances: Iterable<string>,
): ReadonlyMap<string, SystemdUnit> {
  const found = new Map<string, SystemdUnit>();
  for (const unit of units.services()) found.set(unit.name, unit);
  for (const unit of units.sockets()) found.set(unit.name, asService(unit));
  for (const name of instances) {
    const isSocket = name.endsWith('.socket');
    if (found.has(name) || !(isSocket || name.endsWith('.service'))) continue;
    const unit = units.unit(name);
    if (unit !== undefined) found.set(unit.name, isSocket ? asService(unit) : unit);
  }
  return found;
}
