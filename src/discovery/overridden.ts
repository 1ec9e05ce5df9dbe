import { displayPath } from '../common/path-bytes.ts';
import type { SystemdUnits } from '../systemd/systemd-unit.ts';
import type { Problem } from './problem.ts';
import type { Reference } from './reference.ts';
import type { Found } from './source.ts';

/**
 * Removes the references of Quadlet units whose services come from elsewhere. A unit file of the
 * administrator takes precedence over a generated one, which is a problem unless the file masks
 * the service on purpose.
 *
 * Source: systemd.unit(5), "Unit File Load Path".
 */
export function withoutOverridden({ references, problems }: Found, units: SystemdUnits): Found {
  const overridden: Problem[] = [];
  const effective = references.filter((reference) => {
    const unit = units.unit(reference.unit);
    if (unit === undefined || unit.generated) return true;
    if (!unit.masked) overridden.push(overriddenBy(unit.path, reference));
    return false;
  });
  return { references: effective, problems: [...problems, ...overridden] };
}

function overriddenBy(path: string, reference: Reference): Problem {
  return {
    code: 'overridden',
    path: reference.path,
    line: reference.line,
    message: `expected ${reference.unit} to come from Quadlet, found ${displayPath(path)}, which takes precedence`,
    hint: `remove ${displayPath(path)}, or the Quadlet unit that has no effect`,
    subject: {
      unitPath: reference.unitPath,
      unit: reference.unit,
      ...(reference.bind === undefined ? {} : { bind: reference.bind }),
    },
  };
}
