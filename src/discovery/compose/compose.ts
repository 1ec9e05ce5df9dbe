import { posix } from 'node:path';
import type { EngineId } from '../../common/engine-id.ts';
import { dockerProgram, hasProgram } from '../engines/docker-program.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { against, ComposeFiles } from './files.ts';
import { placesOf } from './places.ts';
import { Projects } from './project.ts';
import { serviceImages } from './service-images.ts';
import { YamlLimit } from './yaml-value.ts';

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
  let references: readonly Reference[] = [];
  const engine = composeEngine(context);
  for (const place of placesOf(places, files)) {
    const directory = files.kind(place) === 'directory' ? place : posix.dirname(place);
    references = references.concat(await projectImages(place, directory, files, context));
  }
  return {
    references: references.map((reference) => ({ ...reference, engine })),
    problems: files.problems,
  };
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

async function projectImages(
  place: string,
  directory: string,
  files: ComposeFiles,
  context: SourceContext,
): Promise<Reference[]> {
  const projects = new Projects(files, context.allowance);
  const environment = projects.environment([against(directory, '.env')], new Map());
  const paths =
    place === directory ? filesIn(directory, environment.get('COMPOSE_FILE'), files) : [place];
  const [main] = paths;
  if (main === undefined || !files.isOfOs(main)) return [];
  const unitPath = files.place(main);
  const realPath = files.realPath(main);
  const unit = {
    unit: posix.basename(main),
    unitPath,
    ...(realPath === undefined || realPath === unitPath ? {} : { unitRealPath: realPath }),
  };
  const before = files.problems.length;
  let references: Reference[] = [];
  try {
    const services = await projects.services(paths, directory, environment);
    references = services.flatMap((service) =>
      serviceImages(service, unit, files, projects, context),
    );
  } catch (error) {
    if (!(error instanceof YamlLimit)) throw error;
    files.problem(main, undefined, {
      code: 'too-large',
      message: 'expected a Compose project of at most 20000 services, found more in what it merges',
      hint: 'remove aliases, merges or services from it',
    });
  }
  files.concern(before, { unit: unit.unit, unitPath });
  return references;
}

/**
 * The files of the project in a directory: those of `COMPOSE_FILE`, else the first of the default
 * names that exists, and the first override.
 */
function filesIn(directory: string, named: string | undefined, files: ComposeFiles): string[] {
  if (named !== undefined && named !== '') {
    return named.split(':').map((path) => against(directory, path));
  }
  const names = new Set(files.names(directory));
  const main = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'].find(
    (name) => names.has(name),
  );
  if (main === undefined) return [];
  const overrides = [
    'compose.override.yml',
    'compose.override.yaml',
    'docker-compose.override.yml',
    'docker-compose.override.yaml',
  ];
  const override = overrides.find((name) => names.has(name));
  return [main, ...(override === undefined ? [] : [override])].map((name) =>
    against(directory, name),
  );
}
