import { posix } from 'node:path';
import { concealValue } from '../common/concealed.ts';
import type { ShortNames } from '../image/short-names.ts';
import { whereInTree } from '../systemd/etc.ts';
import { list } from '../systemd/lookup.ts';
import type { ExpandedUnit, Expander } from './expander.ts';
import type { Fault } from './problem.ts';
import type { Reference } from './reference.ts';
import type { Word } from './services/words.ts';
import type { SourceContext } from './source.ts';
import { storageVariables } from './store-options.ts';

/** The effects of the variables with which a service starts podman. */
export interface PodmanEnvironment {
  /** `REGISTRY_AUTH_FILE`: a path inside the root. */
  readonly authFile?: string;
  /** The meaning of short names, if `CONTAINERS_REGISTRIES_CONF` names another registries.conf. */
  readonly shortNames?: ShortNames;
  readonly faults: readonly Fault[];
}

const nothing: PodmanEnvironment = { faults: [] };

/**
 * Reads the variables of a service that change what its podman, skopeo or buildah does.
 *
 * Source: podman(1), "Environment Variables"; containers-auth.json(5); containers-registries.conf(5).
 *
 * @param more variables that the command line sets, over those of the service.
 */
export async function podmanEnvironment(
  unit: ExpandedUnit,
  context: Pick<SourceContext, 'etc' | 'shortNamesIn'> & { readonly expander: Expander },
  more: ReadonlyMap<string, Word> = new Map(),
): Promise<PodmanEnvironment> {
  if (more.size === 0 && !context.expander.hasEnvironment(unit)) return nothing;
  const environment = context.expander.environment(unit);
  const written = list(unit.entries, 'Service', 'Environment');
  const faults = [...storageVariables(environment, written, more)];
  const valueOf = (name: string): string | undefined => {
    const own = more.get(name);
    if (own?.fault !== undefined) faults.push(own.fault);
    if (own !== undefined) return own.text === '' || own.fault ? undefined : own.text;
    const value = environment.ok ? environment.values.get(name) : undefined;
    if (value === undefined || value === '') return undefined;
    if (environment.ok && environment.privateNames.has(name)) concealValue(value);
    return value;
  };
  const authFile = valueOf('REGISTRY_AUTH_FILE');
  const registries = valueOf('CONTAINERS_REGISTRIES_CONF');
  const names = registries === undefined ? undefined : await context.shortNamesIn?.(registries);
  return {
    ...(authFile === undefined
      ? {}
      : { authFile: whereInTree(context.etc, posix.resolve('/', authFile)) }),
    ...(names !== undefined && 'shortNames' in names ? { shortNames: names.shortNames } : {}),
    faults: names !== undefined && 'fault' in names ? [...faults, names.fault] : faults,
  };
}

/** A reference with the credentials of the service's environment, unless it has others. */
export function withAuthFile(reference: Reference, { authFile }: PodmanEnvironment): Reference {
  if (authFile === undefined || reference.pull.authFile !== undefined) return reference;
  return { ...reference, pull: { ...reference.pull, authFile } };
}
