import type { Fault } from '../problem.ts';
import type { Service } from './fields.ts';
import type { ComposeFiles } from './files.ts';
import { namedKinds, type Projects } from './project.ts';

/**
 * Reports what makes Compose refuse the services that start: dependencies that the project does not
 * have or whose profile is not enabled, circles of them, and undefined networks, secrets or configs.
 */
export function checkDependencies(
  started: readonly Service[],
  enabled: readonly Service[],
  files: ComposeFiles,
  projects: Projects,
): void {
  const names = new Set(enabled.map(({ name }) => name));
  const edges = new Map<string, readonly string[]>();
  for (const service of started) {
    const { name, path, line } = service;
    const others = dependencies(service, projects);
    edges.set(name, others);
    for (const other of others) {
      if (!names.has(other)) files.problem(path, line, noService(name, other));
    }
    for (const undefinedName of undefinedNames(service, projects)) {
      files.problem(path, line, notDefined(name, undefinedName));
    }
  }
  const inCircle = nameInCircle(edges);
  const service = started.find(({ name }) => name === inCircle);
  if (service !== undefined) files.problem(service.path, service.line, circle(service.name));
}

/** The networks, secrets and configs that a service takes and that no file defines. */
function undefinedNames({ fields, environment }: Service, projects: Projects): readonly string[] {
  return namedKinds.flatMap((kind) =>
    (fields.get(kind) ?? []).flatMap(({ value, path }) => {
      const items = (value.items ?? []).map((item) =>
        projects.variables.text(item.entries?.get('source') ?? item, path, environment),
      );
      const taken = [...(value.entries?.keys() ?? []), ...items];
      return taken.flatMap((name) =>
        name === undefined || projects.defines(kind, name) || name === 'default'
          ? []
          : [`${kind}: ${name}`],
      );
    }),
  );
}

/** Takes away services without dependencies until none is left, or only circles are. */
function nameInCircle(edges: ReadonlyMap<string, readonly string[]>): string | undefined {
  const dependents = new Map<string, string[]>();
  const left = new Map<string, number>();
  for (const [name, others] of edges) {
    const known = others.filter((other) => edges.has(other));
    left.set(name, known.length);
    for (const other of known) {
      const list = dependents.get(other);
      if (list === undefined) dependents.set(other, [name]);
      else list.push(name);
    }
  }
  const free = [...left].flatMap(([name, count]) => (count === 0 ? [name] : []));
  // A list that grows is walked to its end.
  for (const name of free) {
    left.delete(name);
    for (const dependent of dependents.get(name) ?? []) {
      const count = (left.get(dependent) ?? 0) - 1;
      left.set(dependent, count);
      if (count === 0) free.push(dependent);
    }
  }
  return left.keys().next().value;
}

function notDefined(service: string, what: string): Fault {
  return {
    code: 'compose',
    message: `expected a definition of what ${service.slice(0, 200)} takes, found none of ${what.slice(0, 200)}`,
    hint: 'define the name at the top of the Compose file',
  };
}

function circle(service: string): Fault {
  return {
    code: 'compose',
    message: `expected dependencies without circles, found one through ${service.slice(0, 200)}`,
    hint: 'remove one of the dependencies',
  };
}

function noService(service: string, name: string): Fault {
  const shown = [service, name].map((text) => text.slice(0, 200));
  return {
    code: 'compose',
    message: `expected the service ${shown[1]}, on which ${shown[0]} depends, found none, or one whose profile is not enabled`,
    hint: 'add the service to the project, enable its profile, or remove the dependency',
  };
}

/** The services without which a service does not start. */
export function dependencies({ fields, environment }: Service, projects: Projects): string[] {
  const names = new Set<string>();
  const add = (text: string | undefined) => {
    if (text !== undefined && text !== '') names.add(text);
  };
  for (const { value, path } of fields.get('depends_on') ?? []) {
    for (const [name, how] of value.entries ?? []) {
      if (how.entries?.get('required')?.text !== 'false') add(name);
    }
    for (const item of value.items ?? []) add(projects.variables.text(item, path, environment));
  }
  for (const key of ['links', 'volumes_from']) {
    for (const { value, path } of fields.get(key) ?? []) {
      for (const item of value.items ?? []) {
        const text = projects.variables.text(item, path, environment);
        if (text?.startsWith('container:') === false) add(text.split(':')[0]);
      }
    }
  }
  for (const key of ['network_mode', 'ipc', 'pid']) {
    for (const { value } of fields.get(key)?.slice(-1) ?? []) {
      if (value.text?.startsWith('service:') === true) add(value.text.slice('service:'.length));
    }
  }
  return [...names];
}
