import { cutShort } from '../../common/concealed.ts';
import { citedBases, unreadBases } from '../cited/bases.ts';
import { baseImages } from '../containerfile/base-images.ts';
import type { Fault } from '../problem.ts';
import type { Field, Service } from './fields.ts';
import { against, type ComposeFiles } from './files.ts';
import type { Environment } from './interpolate.ts';
import type { Projects } from './project.ts';
import type { YamlValue } from './yaml-value.ts';

/** An image that a service's build pulls, with its place. */
export interface BuildImage {
  readonly raw: string;
  readonly path: string;
  readonly line: number;
  readonly platform?: string;
}

/**
 * The images that the `build` of a service pulls (Compose build specification). Errors are reported
 * as problems of `files`.
 */
export function buildImages(
  { environment }: Service,
  fields: readonly Field[],
  files: ComposeFiles,
  projects: Projects,
  architecture: string,
): BuildImage[] {
  const build = new BuildFields(fields, environment, projects);
  const target = build.text('target')?.text;
  const options = {
    buildArgs: build.pairs('args'),
    contexts: contextsOf(build.pairs('additional_contexts')),
    architecture,
    allowance: projects.variables.allowance,
    ...(target === undefined ? {} : { target }),
  };
  const inline = build.text('dockerfile_inline');
  if (inline !== undefined) {
    const { path, line } = inline;
    const isCheap = projects.variables.allowance.spend(inline.text.length);
    const found = isCheap ? baseImages(inline.text, options) : unreadBases;
    for (const fault of found.faults) files.problem(path, line, fault);
    return found.images.map((image) => ({ ...image, path: files.place(path), line }));
  }
  const context = build.text('context');
  if (context === undefined) {
    const [field] = fields;
    // A context with an unknown variable has been reported already.
    if (field !== undefined && !build.has('context')) {
      files.problem(field.path, field.value.line, noContext);
    }
    return [];
  }
  if (/^(?:[a-z+]+:\/\/|git@|github\.com\/)/.test(context.text)) {
    files.problem(context.path, context.line, remote(context.text));
    return [];
  }
  const dockerfile = build.text('dockerfile');
  if (dockerfile === undefined && build.has('dockerfile')) return [];
  const path = against(against(context.directory, context.text), dockerfile?.text ?? 'Dockerfile');
  const file = files.cited(path);
  if (file === undefined) {
    files.problem(context.path, context.line, noContainerfile(path));
    return [];
  }
  const found = citedBases(file, options);
  for (const { line, ...fault } of found.faults) files.problem(path, line, fault);
  return found.images.map((image) => ({ ...image, path: files.place(path) }));
}

interface BuildText {
  readonly text: string;
  readonly path: string;
  readonly line: number;
  readonly directory: string;
}

/** The merged `build` of a service: later fields override earlier ones; a scalar is the context. */
class BuildFields {
  readonly #fields: readonly Field[];
  readonly #environment: Environment;
  readonly #projects: Projects;

  constructor(fields: readonly Field[], environment: Environment, projects: Projects) {
    this.#fields = fields;
    this.#environment = environment;
    this.#projects = projects;
  }

  has(key: string): boolean {
    return this.#fields.some(({ value }) => at(value, key) !== undefined);
  }

  text(key: string): BuildText | undefined {
    const field = this.#fields.findLast(({ value }) => at(value, key) !== undefined);
    if (field === undefined) return undefined;
    const value = at(field.value, key);
    const text = this.#projects.variables.text(value, field.path, this.#environment);
    if (value === undefined || text === undefined) return undefined;
    return { text, path: field.path, line: value.line, directory: field.directory };
  }

  /** A mapping or a list of `NAME=VALUE`. A name alone takes its value from the environment. */
  pairs(key: string): Map<string, string> {
    const pairs = new Map<string, string>();
    const set = (name: string, value: string | undefined) => {
      const known = value ?? this.#environment.get(name);
      if (known !== undefined) pairs.set(name, known);
    };
    for (const { value, path } of this.#fields) {
      const part = at(value, key);
      const text = (item: YamlValue) =>
        this.#projects.variables.text(item, path, this.#environment);
      for (const [name, item] of part?.entries ?? []) set(name, text(item));
      for (const item of part?.items ?? []) {
        const [, name = '', given] = /^([^=]*)(?:=([^]*))?$/.exec(text(item) ?? '') ?? [];
        set(name, given);
      }
    }
    return pairs;
  }
}

function at(build: YamlValue, key: string): YamlValue | undefined {
  if (build.entries !== undefined) return build.entries.get(key);
  return key === 'context' && build.text !== undefined ? build : undefined;
}

function contextsOf(pairs: ReadonlyMap<string, string>): Map<string, string | undefined> {
  const contexts = new Map<string, string | undefined>();
  for (const [name, value] of pairs) {
    const image = /^docker-image:\/\/(.+)$/.exec(value)?.[1];
    contexts.set(name, image);
  }
  return contexts;
}

const noContext: Fault = {
  code: 'compose',
  message: 'expected a context in build, found none',
  hint: 'name the directory from which the image is built',
};

function remote(context: string): Fault {
  return {
    code: 'compose',
    message: `expected a build context inside the root, found ${cutShort(context, 200)}`,
    hint: 'build the image beforehand and name it in image, or put its context into the root',
  };
}

function noContainerfile(path: string): Fault {
  return {
    code: 'compose',
    message: `expected a Containerfile at ${path}, found nothing that can be read there`,
    hint: 'put the build context into the root, or build the image beforehand and name it in image',
  };
}
