import { posix } from 'node:path';
import { append } from '../common/append.ts';
import { concealValue } from '../common/concealed.ts';
import type { ShortNames } from '../image/short-names.ts';
import { RootError } from '../root/root.ts';
import type { Environment } from '../systemd/environment/environment.ts';
import { followed, whereInTree } from '../systemd/etc.ts';
import { list } from '../systemd/lookup.ts';
import { type ConfContext, confOfVariables, unknownConf } from './conf-of-variables.ts';
import type { ContainersConf } from './containers-conf.ts';
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
  /** The containers.conf, if `CONTAINERS_CONF` or `CONTAINERS_CONF_OVERRIDE` changes it. */
  readonly containersConf?: ContainersConf;
  readonly faults: readonly Fault[];
}

const nothing: PodmanEnvironment = { faults: [] };

type EnvironmentContext = Pick<SourceContext, 'shortNamesIn'> &
  ConfContext & {
    readonly expander: Expander;
  };

/**
 * Reads the variables of a service that change what its podman, skopeo or buildah does.
 *
 * Source: podman(1), "Environment Variables"; containers-auth.json(5); containers-registries.conf(5).
 *
 * @param more variables that the command line sets, over those of the service.
 */
export async function podmanEnvironment(
  unit: ExpandedUnit,
  context: EnvironmentContext,
  more: ReadonlyMap<string, Word> = new Map(),
): Promise<PodmanEnvironment> {
  if (more.size === 0 && !context.expander.hasEnvironment(unit)) return nothing;
  const environment = context.expander.environment(unit);
  const written = list(unit.entries, 'Service', 'Environment');
  const faults = [...storageVariables(environment, written, more)];
  if (!environment.ok) append(faults, unknownConf(written));
  const valueOf = reader(environment, more, faults);
  const named = valueOf('REGISTRY_AUTH_FILE');
  const authFile =
    named === undefined
      ? firstThere(authFilesOfPodman(reader(environment, more, [])), context)
      : whereInTree(context.etc, posix.resolve('/', named));
  const conf = await confOfVariables(valueOf, context);
  append(faults, conf.faults);
  const registries = valueOf('CONTAINERS_REGISTRIES_CONF');
  const names = registries === undefined ? undefined : await context.shortNamesIn?.(registries);
  return {
    ...(authFile === undefined ? {} : { authFile }),
    ...(conf.containersConf === undefined ? {} : { containersConf: conf.containersConf }),
    ...(names !== undefined && 'shortNames' in names ? { shortNames: names.shortNames } : {}),
    faults: names !== undefined && 'fault' in names ? [...faults, names.fault] : faults,
  };
}

/** Reads the variables of a service that say where its docker or nerdctl finds credentials. */
export function dockerEnvironment(
  program: string,
  unit: ExpandedUnit,
  context: EnvironmentContext,
  more: ReadonlyMap<string, Word>,
): PodmanEnvironment {
  if (program !== 'docker' && program !== 'nerdctl') return nothing;
  if (more.size === 0 && !context.expander.hasEnvironment(unit)) return nothing;
  // A home that can't be known is no fault: most services need no credentials.
  const valueOf = reader(context.expander.environment(unit), more, []);
  const authFile = firstThere(authFilesOfDocker(valueOf), context);
  return { ...(authFile === undefined ? {} : { authFile }), faults: [] };
}

type ValueOf = (name: string) => string | undefined;

/** A function that gives the values of variables; an empty one counts as not set. */
function reader(
  environment: Environment,
  more: ReadonlyMap<string, Word>,
  faults: Fault[],
): ValueOf {
  return (name) => {
    const own = more.get(name);
    if (own?.fault !== undefined) faults.push(own.fault);
    if (own !== undefined) return own.text === '' || own.fault ? undefined : own.text;
    const value = environment.ok ? environment.values.get(name) : undefined;
    if (value === undefined || value === '') return undefined;
    if (environment.ok && environment.values.isPrivate(name)) concealValue(value);
    return value;
  };
}

/**
 * The files in which podman looks for credentials, if variables of the service move them. Compared
 * with podman 4.3 and skopeo 1.18, `login --get-login`.
 */
function authFilesOfPodman(valueOf: ValueOf): readonly string[] {
  const home = valueOf('HOME');
  const configuration = valueOf('XDG_CONFIG_HOME') ?? (home && `${home}/.config`);
  const dockers = authFilesOfDocker(valueOf);
  const own = configuration ? [`${configuration}/containers/auth.json`] : [];
  return valueOf('DOCKER_CONFIG') === undefined ? [...own, ...dockers] : [...dockers, ...own];
}

function authFilesOfDocker(valueOf: ValueOf): readonly string[] {
  const home = valueOf('HOME');
  const directory = valueOf('DOCKER_CONFIG') ?? (home && `${home}/.docker`);
  return directory ? [`${directory}/config.json`] : [];
}

/** The first of the files that the root has. */
function firstThere(paths: readonly string[], { root, etc }: EnvironmentContext) {
  return paths
    .map((path) => whereInTree(etc, posix.resolve('/', path)))
    .find((path) => {
      try {
        return root.lookup(followed(root, etc, path))?.kind === 'file';
      } catch (error) {
        if (error instanceof RootError) return false;
        throw error;
      }
    });
}

/** A reference with the credentials of the service's environment, unless it has others. */
export function withAuthFile(reference: Reference, { authFile }: PodmanEnvironment): Reference {
  if (authFile === undefined || reference.pull.authFile !== undefined) return reference;
  return { ...reference, pull: { ...reference.pull, authFile } };
}
