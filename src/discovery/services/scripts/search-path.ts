import { list } from '../../../systemd/lookup.ts';
import type { SystemdUnit } from '../../../systemd/systemd-unit.ts';
import type { Caller } from '../caller.ts';
import type { ServiceContext, ServicePlace } from '../service-place.ts';

/**
 * The directories in which systemd looks for the programs of a service; undefined for its own ones.
 * `Environment=PATH=` does not count for these.
 */
export function execSearchPath({ entries }: SystemdUnit): string | undefined {
  const values = list(entries, 'Service', 'ExecSearchPath').map(({ value }) => value);
  return values.length === 0 ? undefined : values.join(':');
}

/** The PATH that the programs of a service get; undefined for systemd's own one. */
export function searchPathOf(
  { variables, resets }: Caller,
  { unit }: Pick<ServicePlace, 'unit'>,
  { expander }: Pick<ServiceContext, 'expander'>,
): string | undefined {
  const given = variables.get('PATH')?.text;
  if (given !== undefined) return given;
  if (resets) return undefined;
  const environment = expander.environment({ service: unit.name, entries: unit.entries });
  const path = environment.ok ? environment.values.get('PATH') : undefined;
  return path ?? execSearchPath(unit);
}
