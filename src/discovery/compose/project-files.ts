import { posix } from 'node:path';
import { against, type ComposeFiles } from './files.ts';
import type { Environment } from './interpolate.ts';

/** The program that reads a project: docker's Compose (also nerdctl's), or podman-compose. */
export type ComposeReader = 'docker' | 'podman-compose';

/**
 * The names that docker's Compose looks for, by precedence.
 *
 * Source: compose-go, cli/options.go, `DefaultFileNames` and `DefaultOverrideFileNames`.
 */
const dockerNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const dockerOverrides = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

/**
 * The names that podman-compose looks for: it merges all files that exist, in this order.
 *
 * Source: podman-compose, podman_compose.py, `COMPOSE_DEFAULT_LS`.
 */
const podmanNames = [
  'compose.yaml',
  'compose.yml',
  'compose.override.yaml',
  'compose.override.yml',
  'podman-compose.yaml',
  'podman-compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
  'container-compose.yml',
  'container-compose.yaml',
  'container-compose.override.yml',
  'container-compose.override.yaml',
];

/** The files that `COMPOSE_FILE` names; undefined if the variable is not set. */
export function filesOfVariable(
  environment: Environment,
  directory: string,
): readonly string[] | undefined {
  const named = environment.get('COMPOSE_FILE') ?? '';
  if (named === '') return undefined;
  const separator = environment.get('COMPOSE_PATH_SEPARATOR') || ':';
  return named.split(separator).map((path) => against(directory, path));
}

/** The files with default names in a directory. */
export function defaultFiles(
  directory: string,
  reader: ComposeReader,
  files: ComposeFiles,
): readonly string[] {
  const names = new Set(files.names(directory));
  const has = (name: string) => names.has(name);
  const found =
    reader === 'podman-compose'
      ? podmanNames.filter(has)
      : [dockerNames, dockerOverrides].flatMap((some) => some.find(has) ?? []);
  const isProject = reader === 'podman-compose' || dockerNames.some(has);
  return isProject ? found.map((name) => against(directory, name)) : [];
}

/**
 * The nearest directory upwards that has a file with a default name of docker's Compose, or the
 * directory itself.
 */
export function projectDirectory(directory: string, files: ComposeFiles): string {
  for (let at = directory; ; at = posix.dirname(at)) {
    if (defaultFiles(at, 'docker', files).length > 0) return at;
    if (at === '/') return directory;
  }
}
