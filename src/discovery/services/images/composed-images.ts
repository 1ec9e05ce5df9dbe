import { posix } from 'node:path';
import { append } from '../../../common/append.ts';
import { dockerShortNames } from '../../../image/short-names.ts';
import { parseUnitName } from '../../../systemd/unit-name.ts';
import { allowanceSpent, costOfVariable } from '../../allowance.ts';
import { checkDependencies } from '../../compose/dependencies.ts';
import { ComposeFiles } from '../../compose/files.ts';
import type { Environment } from '../../compose/interpolate.ts';
import type { ComposeReader } from '../../compose/project-files.ts';
import { type Project, readProject } from '../../compose/read-project.ts';
import { type CommandPolicy, serviceImages } from '../../compose/service-images.ts';
import { enabledProfiles, isEnabled, startedServices } from '../../compose/started-services.ts';
import { dockerProgram, hasProgram } from '../../engines/docker-program.ts';
import {
  type PodmanEnvironment,
  podmanEnvironment,
  withAuthFile,
} from '../../podman-environment.ts';
import type { Fault, Problem } from '../../problem.ts';
import type { Reference } from '../../reference.ts';
import type { ComposeCommand } from '../compose-command.ts';
import { variableOf } from '../engine/setting.ts';
import {
  type Findings,
  placeOf,
  problemAt,
  type ServiceContext,
  type ServicePlace,
} from '../service-place.ts';

/** Adds the images of the Compose project that a command brings up, pulls or builds. */
export async function composedImages(
  command: ComposeCommand,
  ignoresFailure: boolean,
  place: ServicePlace,
  context: ServiceContext,
  found: Findings,
): Promise<void> {
  const environment = environmentOf(command, place, context);
  const fault = environment.fault ?? faultIn(command) ?? directoryFault(command, place);
  if (fault !== undefined) {
    // A template itself never starts; words with its instance are read in its instances.
    if (!isTemplate(place)) found.problems.push(problemAt(place, fault));
    return;
  }
  const files = new ComposeFiles(context);
  const podmans = await podmanOf(command, place, context);
  const { containersConf = context.containersConf } = podmans ?? {};
  const { reader, readsPodmans } = readerOf(command, place, { ...context, containersConf });
  const project = await projectOf(command, reader, environment, place, files, context);
  if (project === undefined && files.problems.length === 0) {
    found.problems.push(problemAt(place, noProject(place.directory)));
  }
  if (project !== undefined) {
    const podman = readsPodmans ? podmans : undefined;
    const shortNames = readsPodmans ? (podman?.shortNames ?? context.shortNames) : dockerShortNames;
    const faults = podman?.faults.map((one) => problemAt(place, one)) ?? [];
    const policies = policiesOf(command, reader);
    const reading = { files, projects: project.projects, shortNames, command: policies };
    const { architecture } = context;
    const setsAlways = (policies.policy ?? policies.byDefault) === 'always';
    for (const service of servicesOf(command, project, place, files, found)) {
      const main = { unit: place.unit.name, unitPath: place.unit.path };
      const all = serviceImages(service, { ...reading, main, architecture, activation: 'unknown' });
      const own = all.filter((reference) => isUsed(reference, command));
      append(
        found.references,
        own.map((one) => {
          const reference = ofUnit(one, ignoresFailure, setsAlways, place);
          const known = podman === undefined ? reference : withAuthFile(reference, podman);
          return { ...known, problems: [...known.problems, ...faults] };
        }),
      );
    }
  }
  files.concern(0, place.subject);
  append(found.problems, files.problems);
}

/** The environment of the podman that podman-compose calls, from the variables of the service. */
function podmanOf(
  { caller: { resets, variables } }: ComposeCommand,
  { unit }: ServicePlace,
  context: ServiceContext,
): Promise<PodmanEnvironment> {
  const entries = resets ? [] : unit.entries;
  return podmanEnvironment({ service: unit.name, entries }, context, variables);
}

interface Variables {
  readonly values: Environment;
  readonly privateNames: Iterable<string>;
  readonly fault?: Fault;
}

function environmentOf(
  { caller: { variables, resets } }: ComposeCommand,
  { unit }: ServicePlace,
  { expander, allowance }: ServiceContext,
): Variables {
  const entries = resets ? [] : unit.entries;
  const environment = expander.environment({ service: unit.name, entries });
  const fault = [...variables.values()].find((value) => value.fault !== undefined)?.fault;
  const unknown = (fault: Fault) => ({ values: new Map(), privateNames: [], fault });
  if (!environment.ok) {
    const { message, hint } = environment;
    return unknown({ code: 'variable', message, hint });
  }
  const size = environment.values.size + variables.size;
  if (!allowance.spend(size * costOfVariable)) return unknown(allowanceSpent);
  const values = new Map(environment.values);
  for (const [name, { text }] of variables) values.set(name, text);
  const privateNames = environment.values.privateNames();
  return { values, privateNames, ...(fault === undefined ? {} : { fault }) };
}

/** Why the files of the project can't be found; absolute paths need no working directory. */
function directoryFault(command: ComposeCommand, { directoryFault: fault }: ServicePlace) {
  const base = textsOf(command, 'project-directory');
  const files = textsOf(command, 'file');
  const isAbsolute = (paths: readonly string[]) =>
    paths.length > 0 && paths.every((path) => path.startsWith('/'));
  return isAbsolute(files) || (files.length === 0 && isAbsolute(base)) ? undefined : fault;
}

/** The options whose values choose the files of a project, its variables and its services. */
const choosing: ReadonlySet<string> = new Set([
  'env-file',
  'file',
  'policy',
  'profile',
  'project-directory',
  'pull',
]);

function faultIn({ options, services }: ComposeCommand): Fault | undefined {
  const values = options.flatMap(({ name, value }) => (choosing.has(name) ? (value ?? []) : []));
  const unclear = [...values, ...services].find(({ fault }) => fault !== undefined);
  const isStdin = options.some(({ name, value }) => name === 'file' && value?.text === '-');
  return unclear?.fault ?? (isStdin ? stdin : undefined);
}

function isTemplate({ unit }: ServicePlace): boolean {
  return parseUnitName(unit.name).instance === '';
}

function has({ options }: ComposeCommand, flag: string): boolean {
  return options.some(({ name, value }) => name === flag && value?.text !== 'false');
}

function textsOf({ options }: ComposeCommand, name: string): readonly string[] {
  return options.flatMap((option) => (option.name === name ? (option.value?.text ?? []) : []));
}

/**
 * The program that reads the project. `podman compose` calls docker-compose, if the root has it, or
 * podman-compose, and the variable may name either.
 *
 * Source: podman-compose(1); containers.conf(5), `compose_providers`.
 */
function readerOf(
  command: ComposeCommand,
  place: ServicePlace,
  context: ServiceContext,
): { readonly reader: ComposeReader; readonly readsPodmans: boolean } {
  const { program, path } = command;
  const podmans = { reader: 'podman-compose', readsPodmans: true } as const;
  if (program === 'podman-compose') return podmans;
  const isEmulated = posix.basename(path) === 'docker' && dockerProgram(path, context) === 'podman';
  if (program === 'podman' || isEmulated) {
    const named =
      variableOf('PODMAN_COMPOSE_PROVIDER', command, place, context)?.text ?? configured(context);
    const isNamed = named !== undefined && posix.basename(named) === 'podman-compose';
    const isOnlyOne =
      named === undefined &&
      !hasProgram('docker-compose', context) &&
      hasProgram('podman-compose', context);
    if (isNamed || isOnlyOne) return podmans;
  }
  return { reader: 'docker', readsPodmans: false };
}

/** The first program of `compose_providers` that the root has. */
function configured(context: ServiceContext): string | undefined {
  return context.containersConf?.composeProviders?.find((path) => hasProgram(path, context));
}

function projectOf(
  command: ComposeCommand,
  reader: ComposeReader,
  { values, privateNames }: Variables,
  { directory }: ServicePlace,
  files: ComposeFiles,
  { allowance }: ServiceContext,
): Promise<Project | undefined> {
  const at = (path: string) => posix.resolve('/', directory, path);
  const listed = values.get('COMPOSE_ENV_FILES') ?? '';
  const named = textsOf(command, 'env-file');
  const base = textsOf(command, 'project-directory').at(-1);
  return readProject(
    {
      paths: textsOf(command, 'file').map(at),
      directory: at('.'),
      base: base === undefined ? undefined : at(base),
      envFiles: (named.length > 0 || listed === '' ? named : listed.split(',')).map(at),
      environment: values,
      privateNames,
      reader,
      climbs: reader === 'docker',
    },
    files,
    allowance,
  );
}

/** The services that a command starts, pulls or builds. */
function servicesOf(
  command: ComposeCommand,
  { services, projects, environment }: Project,
  place: ServicePlace,
  files: ComposeFiles,
  found: Findings,
): ReturnType<typeof startedServices> {
  const { subcommand } = command;
  const names = command.services.map(({ text }) =>
    subcommand === 'scale' ? (text.split('=', 1)[0] ?? '') : text,
  );
  const known = new Set(services.map(({ name }) => name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) found.problems.push(problemAt(place, noService(unknown)));
  const isAlone =
    subcommand === 'pull'
      ? !has(command, 'include-deps')
      : subcommand === 'build' && !has(command, 'with-dependencies');
  const withOthers = !isAlone && !has(command, 'no-deps');
  const profiles = enabledProfiles(environment, textsOf(command, 'profile'));
  const started = startedServices(services, names, withOthers, profiles, projects);
  const enabled = services.filter(
    (service) => names.includes(service.name) || isEnabled(service, profiles, projects),
  );
  if (withOthers) checkDependencies(started, enabled, files, projects);
  return started;
}

/** How a command pulls and builds. podman-compose pulls no image that it can build. */
function policiesOf(command: ComposeCommand, reader: ComposeReader): CommandPolicy {
  const isPull = command.subcommand === 'pull';
  const byDefault = isPull ? 'always' : undefined;
  return {
    policy: textsOf(command, isPull ? 'policy' : 'pull').at(-1),
    byDefault,
    builds: has(command, 'build')
      ? 'always'
      : reader === 'podman-compose'
        ? 'without a policy'
        : undefined,
  };
}

/** `pull` pulls no bases of builds, and `build` only those. */
function isUsed({ key }: Reference, { subcommand, options }: ComposeCommand): boolean {
  const isBase = key.endsWith('.build');
  if (subcommand === 'build') return isBase;
  const pulls = subcommand === 'pull' || options.some(({ name }) => name === 'no-build');
  return !(pulls && isBase);
}

/** A reference of a project as one of the unit that brings the project up. */
function ofUnit(
  reference: Reference,
  ignoresFailure: boolean,
  setsAlways: boolean,
  place: ServicePlace,
): Reference {
  const { raw, path, line, key, image, pull } = reference;
  const isOptional = ({ code }: Problem) => ignoresFailure && code === 'pull-always';
  const problems = reference.problems.filter((problem) => !isOptional(problem));
  return {
    ...placeOf(place),
    kind: 'compose',
    raw,
    path,
    line,
    key,
    ...(image === undefined ? {} : { image }),
    pull,
    problems: problems.map((problem) =>
      problem.code === 'pull-always' && setsAlways
        ? problemAt(place, pullAlways)
        : { ...problem, subject: place.subject },
    ),
  };
}

function noProject(directory: string): Fault {
  return {
    code: 'compose',
    message: `expected a Compose file in ${directory}, found none`,
    hint: 'ship the project in the root, or leave the unit unbound',
  };
}

function noService(name: string): Fault {
  return {
    code: 'compose',
    message: `expected services of the project, found ${name.slice(0, 200)}, which it does not have`,
    hint: 'correct the name of the service',
  };
}

const stdin: Fault = {
  code: 'command-line',
  message: 'expected a Compose file of the root, found one that the command reads from its input',
  hint: 'ship the file in the root and name it with --file',
};

const pullAlways: Fault = {
  code: 'pull-always',
  message: 'expected a command that works offline, found one of Compose that always pulls',
  hint: 'remove the pull or --pull=always, or put the prefix `-` before a command that only pulls',
};
