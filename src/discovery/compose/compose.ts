import { posix } from 'node:path';
import { append } from '../../common/append.ts';
import type { EngineId } from '../../common/engine-id.ts';
import { dockerShortNames, type ShortNames } from '../../image/short-names.ts';
import { dockerProgram, hasProgram } from '../engines/docker-program.ts';
import type { Fault } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { checkDependencies } from './dependencies.ts';
import { ComposeFiles } from './files.ts';
import { placesOf } from './places.ts';
import { type ComposeReader, defaultFiles } from './project-files.ts';
import { type Project, readProject } from './read-project.ts';
import { serviceImages } from './service-images.ts';
import { enabledProfiles, isEnabled } from './started-services.ts';

/**
 * Finds the images that Compose projects name.
 *
 * @param places paths in the booted root, from the host's configuration: Compose files, or
 *   directories that hold files with the default names; `*` matches within a component.
 */
export async function composeImages(
  context: SourceContext,
  places: readonly string[],
): Promise<Found> {
  const files = new ComposeFiles(context);
  const references: Reference[] = [];
  const engine = composeEngine(context);
  const named = new Set(places.map((place) => posix.resolve('/', place)));
  for (const place of placesOf(places, files)) {
    const before = files.problems.length;
    const found = await projectImages(place, files, engine, context);
    if (found !== undefined) append(references, found);
    else if (
      files.problems.length === before &&
      (named.has(place) || files.names(place).length > 0)
    ) {
      files.problem(place, undefined, noFile);
    }
  }
  return { references, problems: files.problems };
}

/**
 * The engine of projects whose files alone are known: docker, unless the root has podman and no
 * docker of its own.
 */
function composeEngine(context: SourceContext): EngineId {
  const isEmulated = dockerProgram('docker', context) === 'podman';
  const hasDocker = hasProgram('docker', context) && !isEmulated;
  const hasPodman =
    isEmulated || hasProgram('podman-compose', context) || hasProgram('podman', context);
  return hasPodman && !hasDocker ? 'podman' : 'docker';
}

/** The images of the project in one place; undefined if no file with a known name is there. */
async function projectImages(
  place: string,
  files: ComposeFiles,
  engine: EngineId,
  context: SourceContext,
): Promise<readonly Reference[] | undefined> {
  const before = files.problems.length;
  const isDirectory = files.kind(place) === 'directory';
  const directory = isDirectory ? place : posix.dirname(place);
  const common = { paths: isDirectory ? [] : [place], directory, environment: new Map() };
  const read = (reader: ComposeReader) =>
    readProject({ ...common, reader, climbs: false }, files, context.allowance);
  const byDocker = await read('docker');
  // A directory may be for podman-compose alone.
  const isLeft = byDocker === undefined && isDirectory && files.problems.length === before;
  const isPodmans = isLeft && defaultFiles(directory, 'podman-compose', files).length > 0;
  const project = isPodmans ? await read('podman-compose') : byDocker;
  if (project === undefined) return undefined;
  const unit = mainFile(project.main, files);
  const by = isPodmans ? 'podman' : engine;
  const references = referencesOf(project, unit, files, shortNamesFor(by, context), context);
  files.concern(before, { unit: unit.unit, unitPath: unit.unitPath });
  return context.allowance.admit(references).map((reference) => ({ ...reference, engine: by }));
}

/** podman-compose hands names to podman as they are; docker's Compose completes them itself. */
function shortNamesFor(engine: EngineId, context: SourceContext): ShortNames {
  const isPodmans = engine === 'podman' && !hasProgram('docker-compose', context);
  return isPodmans ? context.shortNames : dockerShortNames;
}

function mainFile(main: string, files: ComposeFiles) {
  const unitPath = files.place(main);
  const realPath = files.realPath(main);
  return {
    unit: posix.basename(main),
    unitPath,
    ...(realPath === undefined || realPath === unitPath ? {} : { unitRealPath: realPath }),
  };
}

function referencesOf(
  { services, projects, environment }: Project,
  unit: ReturnType<typeof mainFile>,
  files: ComposeFiles,
  shortNames: ShortNames,
  { architecture }: SourceContext,
): readonly Reference[] {
  const profiles = enabledProfiles(environment, []);
  const enabled = services.filter((service) => isEnabled(service, profiles, projects));
  checkDependencies(enabled, enabled, files, projects);
  return services.flatMap((service) => {
    const activation = isEnabled(service, profiles, projects) ? 'unknown' : 'none';
    const reading = { main: unit, activation, files, projects, shortNames, architecture } as const;
    return serviceImages(service, reading);
  });
}

const noFile: Fault = {
  code: 'compose',
  message: 'expected a Compose file, found a directory without one',
  hint: 'name the file itself in compose, or give the file a name that Compose looks for',
};
