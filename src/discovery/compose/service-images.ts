import type { ShortNames } from '../../image/short-names.ts';
import { type ImageValue, imageOf } from '../image-value.ts';
import type { Fault, Problem } from '../problem.ts';
import type { Activation, Reference } from '../reference.ts';
import { attachedImages } from './attached-images.ts';
import { buildImages } from './build.ts';
import type { Field, Service } from './fields.ts';
import type { ComposeFiles } from './files.ts';
import { interpolate } from './interpolate.ts';
import type { Projects } from './project.ts';
import { type ComposePull, composePull } from './pull.ts';

/** The first file of a project, which stands for its unit. */
export interface MainFile {
  readonly unit: string;
  readonly unitPath: string;
  readonly unitRealPath?: string;
}

/** The inputs of the images of a service. */
export interface Reading {
  readonly main: MainFile;
  readonly activation: Activation;
  readonly files: ComposeFiles;
  readonly projects: Projects;
  readonly shortNames: ShortNames;
  readonly architecture: string;
  /** How the command pulls and builds; as the project says by default. */
  readonly command?: CommandPolicy;
}

/** The options of a command that go before what the services say. */
export interface CommandPolicy {
  /** The policy of all services. */
  readonly policy?: string | undefined;
  /** The policy of the services that set none. */
  readonly byDefault?: string | undefined;
  /**
   * Whether a service with `build` is built without pulling its image, or only if it sets no
   * policy. docker's Compose tries to pull the image first, unless the command says `--build`.
   */
  readonly builds?: 'always' | 'without a policy' | undefined;
}

/** A written name and its place. */
interface Written {
  readonly raw: string;
  readonly path: string;
  readonly line: number;
}

/** The images that a service needs: its own, those of its mounts and hooks, or bases of its build. */
export function serviceImages(service: Service, reading: Reading): Reference[] {
  const { files, projects, shortNames, command = {} } = reading;
  const text = (key: string) => {
    const field = service.fields.get(key)?.at(-1);
    return field && projects.variables.text(field.value, field.path, service.environment);
  };
  if (service.fields.has('provider')) return [];
  const platform = text('platform');
  const written = text('pull_policy');
  const image = service.fields.get('image')?.at(-1);
  const builds = service.fields.get('build');
  const policy = command.policy ?? written ?? command.byDefault;
  const references: Reference[] = [];
  const add = (place: Written, key: string, value: ImageValue, pull: ComposePull) =>
    references.push(referenceTo(place, `services.${service.name}.${key}`, value, pull, reading));
  if (image !== undefined && isPulled(image, builds, policy, service, command)) {
    add(
      writtenIn(image, files),
      'image',
      imageIn(image, service, reading),
      composePull(policy, platform),
    );
  }
  for (const { key, field } of attachedImages(service, projects)) {
    const pull = composePull(policy === 'build' ? undefined : policy, platform);
    add(writtenIn(field, files), key, imageIn(field, service, reading), pull);
  }
  if (builds === undefined) {
    if (image === undefined) files.problem(service.path, service.line, nothing(service.name));
    return references;
  }
  const bases = buildImages(service, builds, files, projects, reading.architecture);
  for (const { platform: own, ...base } of bases) {
    add(base, 'build', imageOf(base.raw, shortNames), composePull(undefined, own ?? platform));
  }
  return references;
}

/**
 * Whether Compose pulls the image of a service. It pulls the image of a service with a build as
 * well, and builds if that fails, unless `pull_policy` is `build`. An image of `localhost` can only
 * be built.
 *
 * Source: docker compose, pkg/compose/pull.go, `pullRequiredImages`.
 */
function isPulled(
  image: Field,
  builds: readonly Field[] | undefined,
  policy: string | undefined,
  { environment }: Service,
  command: CommandPolicy,
): boolean {
  if (builds === undefined) return true;
  if (policy === 'build' || command.builds === 'always') return false;
  if (policy === undefined && command.builds !== undefined) return false;
  const name = interpolate(image.value.text ?? '', environment);
  return !name.ok || !name.text.startsWith('localhost/');
}

function referenceTo(
  place: Written,
  key: string,
  value: ImageValue,
  { options, faults }: ComposePull,
  { main, activation }: Reading,
): Reference {
  const all: readonly Fault[] = [...(value.ok ? [] : [value.fault]), ...faults];
  return {
    ...place,
    key,
    kind: 'compose',
    ...main,
    scope: 'system',
    activation,
    via: [],
    ...(value.ok ? { image: value.image } : {}),
    pull: options,
    problems: all.map((fault) => problemOf(fault, place, main)),
  };
}

function writtenIn({ value, path }: Field, files: ComposeFiles): Written {
  return { raw: value.text ?? '', path: files.place(path), line: value.line };
}

function imageIn({ value }: Field, service: Service, { shortNames }: Reading): ImageValue {
  if (value.text === undefined || !value.isString) return { ok: false as const, fault: noName };
  const text = interpolate(value.text, service.environment);
  return text.ok ? imageOf(text.text, shortNames) : text;
}

function problemOf(
  { code, message, hint }: Fault,
  { path, line }: Written,
  { unit, unitPath }: MainFile,
): Problem {
  return { code, path, line, message, hint, subject: { unit, unitPath } };
}

const noName: Fault = {
  code: 'compose',
  message: 'expected the name of an image, found something else',
  hint: 'write the name as a string',
};

function nothing(name: string): Fault {
  return {
    code: 'compose',
    message: `expected an image or a build for the service ${name.slice(0, 200)}, found neither`,
    hint: 'name the image of the service',
  };
}
