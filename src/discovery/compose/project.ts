import { posix } from 'node:path';
import { circular, conflict, deepest, missing, notA } from './faults.ts';
import { type Field, fieldsRead, hasImageOf, merged, type Service } from './fields.ts';
import { against, type ComposeFiles, projectsSpent } from './files.ts';
import { type Environment, refusedVariable } from './interpolate.ts';
import type { Variables } from './variables.ts';
import { YamlLimit, type YamlValue } from './yaml-value.ts';

const mostIncludes = 256;
const mostServices = 20_000;

/** The allowance counts expanded characters; to read a service takes as long as to expand so many. */
const costOfService = 1024;

/** The things that a service takes by name, which some file has to define. */
export const namedKinds = ['networks', 'secrets', 'configs'] as const;
export type NamedKind = (typeof namedKinds)[number];

/** The file of a part of a project, the directory for its relative paths, and its variables. */
interface Place {
  readonly path: string;
  readonly directory: string;
  readonly environment: Environment;
}

/** Reads the services of Compose projects, including those of included files. */
export class Projects {
  readonly variables: Variables;
  readonly #files: ComposeFiles;
  /** The networks, secrets and configs of all files: `networks front`. */
  readonly #defined = new Set<string>();
  #includes = 0;
  #services = 0;

  constructor(files: ComposeFiles, variables: Variables) {
    this.#files = files;
    this.variables = variables;
  }

  /**
   * @param paths the files of one project; later files are merged over earlier ones.
   * @param directory the directory for relative paths.
   * @param above the files that include this project, to find circles.
   */
  async services(
    paths: readonly string[],
    directory: string,
    environment: Environment,
    above: readonly string[] = [],
  ): Promise<Service[]> {
    const services = new Map<string, Service>();
    const up = [...above, ...paths];
    for (const path of paths) {
      const { documents, withDollar } = await this.#files.yaml(path);
      for (const { text, line } of withDollar) {
        const refused = refusedVariable(text, environment);
        if (refused !== undefined) this.#files.problem(path, line, refused);
      }
      const at = { path, directory, environment };
      for (const document of documents) await this.#read(document, at, up, services);
    }
    return [...services.values()];
  }

  /** Adds the services of a document, and of those that it includes, to the services of the project. */
  async #read(
    document: YamlValue,
    at: Place,
    above: readonly string[],
    services: Map<string, Service>,
  ): Promise<void> {
    const top = document.entries;
    if (top === undefined) {
      const isEmpty = document.text === undefined && document.items === undefined;
      if (!isEmpty) this.#files.problem(at.path, document.line, notA('a mapping', 'the file'));
      return;
    }
    this.#define(top);
    const included = new Map<string, Service>();
    for (const include of top.get('include')?.items ?? []) {
      for (const one of await this.#included(include, at, above)) {
        included.set(one.name, one);
        services.set(one.name, one);
      }
    }
    const own = top.get('services');
    if (own === undefined) return;
    if (own.entries === undefined) {
      this.#files.problem(at.path, own.line, notA('a mapping', 'services'));
      return;
    }
    for (const [name, value] of own.entries) {
      if (++this.#services > mostServices) throw new YamlLimit();
      if (!this.variables.allowance.spend(costOfService)) throw new YamlLimit(projectsSpent);
      if (value.tag === '!reset') services.delete(name);
      else services.set(name, await this.#service(name, value, at, services, included));
    }
  }

  /**
   * Reads a service over what earlier files say of it.
   *
   * @param included the services of the files that this one includes, which it must not define as well.
   */
  async #service(
    name: string,
    value: YamlValue,
    at: Place,
    services: ReadonlyMap<string, Service>,
    included: ReadonlyMap<string, Service>,
  ): Promise<Service> {
    const fields = await this.#fields(name, value, at, []);
    const conflicting = included.get(name);
    if (conflicting !== undefined && !hasImageOf(conflicting, fields)) {
      this.#files.problem(at.path, value.line, conflict(name));
    }
    const before = services.get(name);
    return {
      name,
      line: before?.line ?? value.line,
      path: before?.path ?? at.path,
      environment: before?.environment ?? at.environment,
      fields: value.tag === '!override' ? fields : merged(before?.fields ?? new Map(), fields),
    };
  }

  /** Whether any file of the projects defines a network, secret or config. */
  defines(kind: NamedKind, name: string): boolean {
    return this.#defined.has(`${kind} ${name}`);
  }

  #define(top: ReadonlyMap<string, YamlValue>): void {
    for (const kind of namedKinds) {
      for (const name of top.get(kind)?.entries?.keys() ?? []) this.#defined.add(`${kind} ${name}`);
    }
  }

  /** The keys of a service, merged over those of the service that it extends. */
  async #fields(
    name: string,
    value: YamlValue,
    at: Place,
    above: readonly string[],
  ): Promise<ReadonlyMap<string, readonly Field[]>> {
    const own = new Map<string, readonly Field[]>();
    if (value.entries === undefined) {
      this.#files.problem(at.path, value.line, notA('a mapping', `the service ${name}`));
      return own;
    }
    for (const [key, field] of value.entries) {
      if (fieldsRead.has(key))
        own.set(key, [{ value: field, path: at.path, directory: at.directory }]);
    }
    const extend = value.entries.get('extends');
    if (extend === undefined || extend.tag === '!reset') return own;
    const here = `${at.path}\n${name}`;
    if (above.includes(here) || above.length > deepest) {
      this.#files.problem(at.path, extend.line, circular('extends'));
      return own;
    }
    const text = (part: YamlValue | undefined) =>
      this.variables.text(part, at.path, at.environment);
    const base = text(extend.text === undefined ? extend.entries?.get('service') : extend);
    const fileValue = extend.entries?.get('file');
    const file = text(fileValue);
    if (base === undefined || (fileValue !== undefined && file === undefined)) return own;
    const path = file === undefined ? at.path : against(at.directory, file);
    // Relative paths in another file are relative to the directory of that file.
    const directory = file === undefined ? at.directory : posix.dirname(path);
    const documents = await this.#files.documents(path);
    const found = documents.findLast(
      (document) => document.entries?.get('services')?.entries?.has(base) === true,
    );
    const target = found?.entries?.get('services')?.entries?.get(base);
    if (target === undefined) {
      this.#files.problem(at.path, extend.line, missing(`the service ${base} in ${path}`));
      return own;
    }
    const inherited = await this.#fields(base, target, { ...at, path, directory }, [
      ...above,
      here,
    ]);
    return merged(inherited, own);
  }

  async #included(
    include: YamlValue,
    { path: from, directory, environment }: Place,
    above: readonly string[],
  ): Promise<Service[]> {
    const text = (value: YamlValue | undefined) => this.variables.text(value, from, environment);
    const list = (value: YamlValue | undefined) =>
      value === undefined
        ? []
        : (value.items ?? [value])
            .flatMap((item) => text(item) ?? [])
            .map((path) => against(directory, path));
    const paths = list(include.entries === undefined ? include : include.entries.get('path'));
    const [first] = paths;
    if (first === undefined) {
      this.#files.problem(from, include.line, notA('a path', 'include'));
      return [];
    }
    if (
      paths.some((path) => above.includes(path)) ||
      above.length > deepest ||
      ++this.#includes > mostIncludes
    ) {
      this.#files.problem(from, include.line, circular('include'));
      return [];
    }
    for (const path of paths) {
      if (this.#files.kind(path) === undefined) {
        this.#files.problem(from, include.line, missing(path));
      }
    }
    const ownDirectory = text(include.entries?.get('project_directory'));
    const project =
      ownDirectory === undefined ? posix.dirname(first) : against(directory, ownDirectory);
    const envFiles = list(include.entries?.get('env_file'));
    const variables = this.variables.environment(
      envFiles.length > 0 ? envFiles : [against(project, '.env')],
      environment,
    );
    return this.services(paths, project, variables, above);
  }
}
