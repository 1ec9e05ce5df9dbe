import { posix } from 'node:path';
import type { Allowance } from '../allowance.ts';
import type { Fault } from '../problem.ts';
import { missing } from './faults.ts';
import type { Service } from './fields.ts';
import { against, type ComposeFiles } from './files.ts';
import type { Environment } from './interpolate.ts';
import { Projects } from './project.ts';
import {
  type ComposeReader,
  defaultFiles,
  filesOfVariable,
  projectDirectory,
} from './project-files.ts';
import { Variables } from './variables.ts';
import { YamlLimit } from './yaml-value.ts';

/** A project to read, as a command line or a place in the configuration names it. */
export interface ProjectPlace {
  /** The files that are named; without any, the project has files with default names. */
  readonly paths: readonly string[];
  /** The directory in which Compose starts. */
  readonly directory: string;
  /** The directory for relative paths, if it is named (`--project-directory`). */
  readonly base?: string | undefined;
  /** The environment files that are named (`--env-file`); `.env` without any. */
  readonly envFiles?: readonly string[];
  /** The variables of the process that reads the project, which go before those of `.env`. */
  readonly environment: Environment;
  readonly privateNames?: Iterable<string>;
  readonly reader: ComposeReader;
  /** Whether the directories above are searched, too, as docker's Compose does. */
  readonly climbs: boolean;
}

/** A project as its files say. */
export interface Project {
  readonly main: string;
  readonly services: readonly Service[];
  readonly projects: Projects;
  /** The variables of the process and of the environment files. */
  readonly environment: Environment;
}

/**
 * Reads a project. Errors are reported as problems of `files`.
 *
 * @returns undefined if the place has no file or, with a problem, more than a limit allows.
 */
export async function readProject(
  place: ProjectPlace,
  files: ComposeFiles,
  allowance: Allowance,
): Promise<Project | undefined> {
  const variables = new Variables(files, allowance, place.privateNames ?? []);
  const projects = new Projects(files, variables);
  const { paths, directory, environment } = locate(place, files, variables);
  const [main] = paths;
  if (main === undefined || !files.isOfOs(main)) return undefined;
  for (const path of paths) {
    if (files.kind(path) === undefined) files.problem(path, undefined, missing(path));
  }
  try {
    const services = await projects.services(paths, directory, environment);
    return { main, services, projects, environment };
  } catch (error) {
    if (!(error instanceof YamlLimit)) throw error;
    files.problem(main, undefined, error.fault ?? tooLarge);
    return undefined;
  }
}

/**
 * The files of a project, its directory and its variables. docker compose reads the `.env` beside the files that
 * are named, or else that of the project which it finds by climbing, or of its own directory. If that `.env` sets
 * `COMPOSE_FILE`, the one beside those files adds the variables that are lacking. Held against 2.26.
 */
function locate(place: ProjectPlace, files: ComposeFiles, variables: Variables) {
  const { base, directory, reader } = place;
  const isDocker = reader === 'docker';
  const ofVariable = filesOfVariable(place.environment, directory);
  const [first] = place.paths.length > 0 ? place.paths : (isDocker && ofVariable) || [];
  const found = place.climbs ? projectDirectory(base ?? directory, files) : directory;
  const start =
    base ?? (first === undefined ? (isDocker ? found : directory) : posix.dirname(first));
  const environment = environmentIn(start, place, files, variables);
  // podman-compose reads these two variables only from its own environment.
  const paths =
    place.paths.length > 0
      ? place.paths
      : (ofVariable ?? (isDocker ? filesOfVariable(environment, directory) : undefined));
  const own = base ?? (paths === undefined ? found : posix.dirname(paths[0] ?? start));
  const isKnown = own === start || (paths !== undefined && !isDocker);
  return {
    paths: paths ?? defaultFiles(found, reader, files),
    directory: own,
    environment: isKnown
      ? environment
      : environmentIn(own, { ...place, environment }, files, variables),
  };
}

function environmentIn(
  directory: string,
  { envFiles = [], environment }: ProjectPlace,
  files: ComposeFiles,
  variables: Variables,
): Environment {
  for (const path of envFiles) {
    if (files.kind(path) === undefined) files.problem(path, undefined, missing(path));
  }
  const paths = envFiles.length > 0 ? envFiles : [against(directory, '.env')];
  return variables.environment(paths, environment);
}

const tooLarge: Fault = {
  code: 'too-large',
  message: 'expected a Compose project of at most 20000 services, found more in what it merges',
  hint: 'remove aliases, merges or services from it',
};
