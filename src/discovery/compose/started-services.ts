import { dependencies } from './dependencies.ts';
import type { Service } from './fields.ts';
import type { Environment } from './interpolate.ts';
import type { Projects } from './project.ts';

/** The profiles that `COMPOSE_PROFILES` and `--profile` enable. */
export function enabledProfiles(
  environment: Environment,
  given: readonly string[],
): ReadonlySet<string> {
  const named = given.length > 0 ? given : (environment.get('COMPOSE_PROFILES') ?? '').split(',');
  return new Set(named);
}

/**
 * Whether a service starts by default: without profiles always (Compose specification,
 * 15-profiles).
 */
export function isEnabled(
  { fields, environment }: Service,
  enabled: ReadonlySet<string>,
  projects: Projects,
): boolean {
  const profiles = (fields.get('profiles') ?? []).flatMap(({ value, path }) =>
    (value.items ?? []).flatMap((item) => projects.variables.text(item, path, environment) ?? []),
  );
  return profiles.length === 0 || enabled.has('*') || profiles.some((name) => enabled.has(name));
}

/**
 * The services that a command starts.
 *
 * @param names the services that the command names; all that are enabled without any.
 * @param withOthers whether the services on which these depend start, too.
 */
export function startedServices(
  services: readonly Service[],
  names: readonly string[],
  withOthers: boolean,
  enabled: ReadonlySet<string>,
  projects: Projects,
): readonly Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const chosen =
    names.length > 0
      ? names.flatMap((name) => byName.get(name) ?? [])
      : services.filter((service) => isEnabled(service, enabled, projects));
  const started = new Set(chosen);
  // A set that grows is walked to its end.
  for (const service of withOthers ? started : []) {
    for (const name of dependencies(service, projects)) {
      const other = byName.get(name);
      if (other !== undefined) started.add(other);
    }
  }
  return services.filter((service) => started.has(service));
}
