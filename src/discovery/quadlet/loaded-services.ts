import { displayPath } from '../../common/path-bytes.ts';
import type { SystemdUnit, SystemdUnits } from '../../systemd/systemd-unit.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { parseUnitName, withInstance } from '../../systemd/unit-name.ts';
import type { Problem } from '../problem.ts';
import { runsOwnCommand } from './generated.ts';
import type { QuadletServices } from './quadlet.ts';
import { problemOfUnit, type QuadletUnit } from './unit.ts';

export interface LoadedServices extends QuadletServices {
  /** The units whose own command systemd does not run; grows as units are asked for. */
  readonly problems: readonly Problem[];
}

/**
 * The services of Quadlet units as systemd loads them, with drop-ins, for each instance of a
 * template that starts.
 *
 * @param started the names of all units that may start.
 */
export function loadedServices(units: SystemdUnits, started: Iterable<string>): LoadedServices {
  const instances = instancesOf(started);
  const problems: Problem[] = [];
  const ofUnit = (unit: QuadletUnit): readonly QuadletUnit[] => {
    // Most units are no templates, and nothing changes their services.
    if (!instances.has(unit.service) && !units.isChanged(unit.service)) return [unit];
    return ofInstances(unit);
  };
  const ofInstances = (unit: QuadletUnit): readonly QuadletUnit[] =>
    (instances.get(unit.service) ?? [unit.service])
      .filter((service) => isMadeOf(unit, service, units))
      .flatMap((service) => {
        const loaded = units.isChanged(service) ? units.unit(service) : undefined;
        const own = service === unit.service ? unit : { ...unit, service };
        if (loaded?.generated !== true) return [own];
        if (runsOwnCommand(unit, loaded.entries)) return [{ ...own, loaded: loaded.entries }];
        problems.push(replaced(own, loaded));
        return [];
      });
  return { ofUnit, problems };
}

/** The instances of each template of a service that may start. */
function instancesOf(started: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const instances = new Map<string, string[]>();
  for (const name of started) {
    if (!name.includes('@') || !name.endsWith('.service')) continue;
    const parsed = parseUnitName(name);
    if (parsed.instance === undefined || parsed.instance === '') continue;
    const template = withInstance(parsed, '').full;
    const known = instances.get(template);
    if (known === undefined) instances.set(template, [name]);
    else known.push(name);
  }
  return instances;
}

/** Whether a service comes of a unit: an instance may have a file of its own. */
function isMadeOf(unit: QuadletUnit, service: string, units: SystemdUnits): boolean {
  return service === unit.service || units.unit(service)?.path === unit.path;
}

/** The note that drop-ins of systemd replace the command that Quadlet writes. */
function replaced(unit: QuadletUnit, { entries }: SystemdUnit): Problem {
  const at = entries.findLast(isReset);
  const place = at === undefined ? '' : ` in ${displayPath(at.path)}`;
  return {
    ...problemOfUnit(unit, at, {
      code: 'overridden',
      message: `expected ${unit.service} to run the command of Quadlet, found an empty ${at?.key ?? 'ExecStart'}=${place}, which removes that command`,
      hint: 'remove the drop-in, or the Quadlet unit that has no effect',
    }),
    note: true,
  };
}

function isReset({ group, key, value }: UnitEntry): boolean {
  return group === 'Service' && /^ExecStart(?:Pre)?$/.test(key) && value === '';
}
