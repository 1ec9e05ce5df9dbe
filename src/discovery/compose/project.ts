import { posix } from 'node:path';
import { conceal, concealValue } from '../../common/concealed.ts';
import type { FoundFile } from '../../root/root.ts';
import { type Allowance, allowanceSpent } from '../allowance.ts';
import { tooManyPrivate } from '../expander.ts';
import type { Fault } from '../problem.ts';
import { readEnvFile, refusedLine } from './env-file.ts';
import { against, type ComposeFiles, projectsSpent } from './files.ts';
import { type Environment, interpolate, refusedVariable } from './interpolate.ts';
import { YamlLimit, type YamlValue } from './yaml-value.ts';

/** The value of a key of a service, its file, and the directory for its relative paths. */
export interface Field {
  readonly value: YamlValue;
  readonly path: string;
  readonly directory: string;
}

/**
 * A service of a project. `fields` holds the values of each key from all files, the last on top.
 */
export interface Service {
  readonly name: string;
  readonly line: number;
  readonly path: string;
  readonly environment: Environment;
  readonly fields: ReadonlyMap<string, readonly Field[]>;
}

/** The levels of includes within includes, and of services that extend others. */
const deepest = 32;
const mostIncludes = 256;
const mostServices = 20_000;

/** The allowance counts expanded characters; to read a service takes as long as to expand so many. */
const costOfService = 1024;

/** The things that a service takes by name, which some file has to define. */
export const namedKinds = ['networks', 'secrets', 'configs'] as const;
export type NamedKind = (typeof namedKinds)[number];

/** Reads the services of Compose projects, including those of included files. */
export class Projects {
  readonly allowance: Allowance;
  readonly #files: ComposeFiles;
  /** The variables whose values come from files that not everybody may read. */
  readonly #privateNames: Set<string>;
  /** The networks, secrets and configs of all files: `networks front`. */
  readonly #defined = new Set<string>();
  /** The environment files with a line that Compose refuses, each reported once. */
  readonly #refused = new Set<string>();
  #includes = 0;
  #services = 0;

  /**
   * @param allowance bounds the text that the variables of the projects expand to.
   * @param privateNames variables of the process whose values not everybody may read.
   */
  constructor(files: ComposeFiles, allowance: Allowance, privateNames: Iterable<string> = []) {
    this.#files = files;
    this.allowance = allowance;
    this.#privateNames = new Set(privateNames);
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
    for (const path of paths) {
      const { documents, withDollar } = await this.#files.yaml(path);
      for (const { text, line } of withDollar) {
        const refused = refusedVariable(text, environment);
        if (refused !== undefined) this.#files.problem(path, line, refused);
      }
      for (const document of documents) {
        const top = document.entries;
        if (top === undefined && document.text === undefined && document.items === undefined)
          continue;
        if (top === undefined) {
          this.#files.problem(path, document.line, notA('a mapping', 'the file'));
          continue;
        }
        this.#define(top);
        const included = new Map<string, Service>();
        for (const include of top.get('include')?.items ?? []) {
          const up = [...above, ...paths];
          for (const one of await this.#included(include, path, directory, environment, up)) {
            included.set(one.name, one);
            services.set(one.name, one);
          }
        }
        const own = top.get('services');
        if (own === undefined) continue;
        if (own.entries === undefined) {
          this.#files.problem(path, own.line, notA('a mapping', 'services'));
          continue;
        }
        for (const [name, value] of own.entries) {
          if (++this.#services > mostServices) throw new YamlLimit();
          if (!this.allowance.spend(costOfService)) throw new YamlLimit(projectsSpent);
          if (value.tag === '!reset') {
            services.delete(name);
            continue;
          }
          const at = { path, directory, environment };
          const fields = await this.#fields(name, value, at, []);
          const conflicting = included.get(name);
          if (conflicting !== undefined && !hasImageOf(conflicting, fields)) {
            this.#files.problem(path, value.line, conflict(name));
          }
          const before = services.get(name);
          services.set(name, {
            name,
            line: before?.line ?? value.line,
            path: before?.path ?? path,
            environment: before?.environment ?? environment,
            fields:
              value.tag === '!override' ? fields : merged(before?.fields ?? new Map(), fields),
          });
        }
      }
    }
    return [...services.values()];
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
    at: { path: string; directory: string; environment: Environment },
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
    const text = (part: YamlValue | undefined) => this.text(part, at.path, at.environment);
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
    from: string,
    directory: string,
    environment: Environment,
    above: readonly string[],
  ): Promise<Service[]> {
    const text = (value: YamlValue | undefined) => this.text(value, from, environment);
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
    const variables = this.environment(
      envFiles.length > 0 ? envFiles : [against(project, '.env')],
      environment,
    );
    return this.services(paths, project, variables, above);
  }

  /**
   * Reads environment files over an outer environment, and remembers which variables are private.
   */
  environment(paths: readonly string[], outer: Environment): Environment {
    const found = paths.flatMap((path) => this.#envFile(path) ?? []);
    const text = found.map(({ content }) => content.toString('utf8')).join('\n');
    const values = readEnvFile(text, outer);
    const isPrivate = found.some((file) => file.isPrivate);
    // A variable in a public file is private, too, if its value contains a private one.
    const privates = [...this.#privateNames].flatMap((name) => outer.get(name) || []);
    for (const [name, value] of values) {
      if (outer.has(name)) continue;
      const holdsPrivate = privates.some((one) => value.includes(one));
      if (isPrivate || holdsPrivate) this.#privateNames.add(name);
    }
    return values;
  }

  #envFile(path: string): FoundFile | undefined {
    const file = this.#files.file(path, 64 * 1024);
    const line = file === undefined ? undefined : refusedLine(file.content.toString('utf8'));
    if (line !== undefined && !this.#refused.has(path)) {
      this.#files.problem(path, line, badLine);
      this.#refused.add(path);
    }
    return file;
  }

  /** A scalar with its variables replaced; undefined, with a problem, if one of them is unknown. */
  text(value: YamlValue | undefined, path: string, environment: Environment): string | undefined {
    if (value?.text === undefined) return undefined;
    const result = interpolate(value.text, environment);
    if (!result.ok) {
      this.#files.problem(path, value.line, result.fault);
      return undefined;
    }
    if (!this.allowance.spend(result.text.length)) {
      this.#files.problem(path, value.line, allowanceSpent);
      return undefined;
    }
    if (this.#concealed(value.text, result.text, environment)) return result.text;
    this.#files.problem(path, value.line, tooManyPrivate);
    return undefined;
  }

  /**
   * Conceals the private values that a text uses in all messages.
   *
   * @returns false if there are too many of them to conceal.
   */
  #concealed(written: string, text: string, environment: Environment): boolean {
    if (this.#privateNames.size === 0) return true;
    const names = [...written.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
    const used = names.filter((name) => this.#privateNames.has(name));
    if (used.length === 0) return true;
    return (
      conceal(text, written) && used.every((name) => concealValue(environment.get(name) ?? ''))
    );
  }
}

const fieldsRead: ReadonlySet<string> = new Set([
  'build',
  'configs',
  'depends_on',
  'image',
  'ipc',
  'links',
  'network_mode',
  'networks',
  'pid',
  'platform',
  'post_start',
  'pre_start',
  'pre_stop',
  'profiles',
  'provider',
  'pull_policy',
  'secrets',
  'volumes',
  'volumes_from',
]);

/** The keys whose values in several files are merged; the last value of other keys counts. */
const keysMerged: ReadonlySet<string> = new Set([
  'build',
  'configs',
  'depends_on',
  'links',
  'networks',
  'post_start',
  'pre_start',
  'pre_stop',
  'profiles',
  'secrets',
  'volumes',
  'volumes_from',
]);

/** Merges the keys of a service. */
function merged(
  below: ReadonlyMap<string, readonly Field[]>,
  above: ReadonlyMap<string, readonly Field[]>,
): ReadonlyMap<string, readonly Field[]> {
  const fields = new Map(below);
  for (const [key, own] of above) {
    const tag = own[0]?.value.tag;
    if (tag === '!reset') fields.delete(key);
    else if (isNull(own[0]?.value) && fields.has(key)) continue;
    else if (tag === '!override' || !keysMerged.has(key)) fields.set(key, own);
    else fields.set(key, [...(fields.get(key) ?? []), ...own]);
  }
  return fields;
}

/** A key without a value leaves the values of earlier files as they are. */
function isNull(value: YamlValue | undefined): boolean {
  return value?.text === undefined && value?.entries === undefined && value?.items === undefined;
}

/** Whether two definitions of a service have the same image: Compose takes equal ones as one. */
function hasImageOf(service: Service, fields: Service['fields']): boolean {
  const [one, other] = [service.fields, fields].map(
    (each) => each.get('image')?.at(-1)?.value.text,
  );
  return one !== undefined && one === other;
}

const badLine: Fault = {
  code: 'compose',
  message: 'expected NAME=VALUE, found a line for which Compose refuses the environment file',
  hint: 'correct the name, or end the quote',
};

function conflict(name: string): Fault {
  return {
    code: 'compose',
    message: `expected a service of another name, found ${name.slice(0, 200)} in an included project, too`,
    hint: 'rename one of the two; an override file may change included services',
  };
}

function notA(expected: string, what: string): Fault {
  return {
    code: 'compose',
    message: `expected ${expected} for ${what}, found something else`,
    hint: 'correct the Compose file',
  };
}

export function missing(what: string): Fault {
  return {
    code: 'compose',
    message: `expected ${what}, found nothing there`,
    hint: 'correct the Compose file, or put what it names into the root',
  };
}

function circular(key: string): Fault {
  return {
    code: 'compose',
    message: `expected ${key} without circles, found a circle, or more than ${deepest} levels`,
    hint: `remove the circle from ${key}`,
  };
}
