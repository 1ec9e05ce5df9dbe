import { list } from '../../../systemd/lookup.ts';
import type { Fault } from '../../problem.ts';
import type { ContainerCommand } from '../read-command.ts';
import type { ServiceContext, ServicePlace } from '../service-place.ts';

/** A setting of a program: its text, or why the text can't be known; neither if it is not set. */
export interface Setting {
  readonly text?: string;
  readonly fault?: Fault;
}

/** The value of an option; the last one counts. */
export function optionOf(name: string, { options }: ContainerCommand): Setting | undefined {
  return options.findLast((option) => option.name === name)?.value;
}

/** The value of a variable that a command gets: from what calls the command, or else from the service's unit. */
export function variableOf(
  name: string,
  { caller }: Pick<ContainerCommand, 'caller'>,
  { unit }: ServicePlace,
  { expander }: ServiceContext,
): Setting | undefined {
  const given = caller.variables.get(name);
  if (given !== undefined) return given.raw === '' ? undefined : given;
  if (caller.resets) return undefined;
  const { name: service, entries } = unit;
  const environment = expander.environment({ service, entries });
  if (environment.ok) {
    const text = environment.values.get(name);
    if (text === undefined || text === '') return undefined;
    return environment.values.isPrivate(name) ? { fault: isPrivate } : { text };
  }
  // Usually another variable is the unknown one, such as the host's name.
  const isMentioned = list(entries, 'Service', 'Environment').some(({ value }) =>
    value.includes(`${name}=`),
  );
  const { message, hint } = environment;
  return isMentioned ? { fault: { code: 'variable', message, hint } } : undefined;
}

/** An engine's id is shown to everybody. */
const isPrivate: Fault = {
  code: 'variable',
  message:
    'expected an engine that everybody may know, found a variable from a file that not everybody may read',
  hint: 'set the variable in the unit',
};
