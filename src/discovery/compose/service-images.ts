import { imageOf } from '../image-value.ts';
import type { Fault, Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { SourceContext } from '../source.ts';
import { type BuildImage, buildImages } from './build.ts';
import type { ComposeFiles } from './files.ts';
import { interpolate } from './interpolate.ts';
import type { Field, Projects, Service } from './project.ts';
import { composePull } from './pull.ts';

/** The first file of a project, which stands for its unit. */
export interface MainFile {
  readonly unit: string;
  readonly unitPath: string;
  readonly unitRealPath?: string;
}

/** The images that a service needs: its own image, or the base images of its build. */
export function serviceImages(
  service: Service,
  main: MainFile,
  files: ComposeFiles,
  projects: Projects,
  context: SourceContext,
): Reference[] {
  const one = (key: string) => service.fields.get(key)?.at(-1);
  const text = (key: string) => {
    const field = one(key);
    return field && projects.text(field.value, field.path, service.environment);
  };
  if (one('provider') !== undefined) return [];
  const policy = text('pull_policy');
  const platform = text('platform');
  const pull = composePull(policy, platform);
  const activation = startsByDefault(service, projects) ? 'unknown' : 'none';
  const reference = (
    image: { raw: string; path: string; line: number },
    key: string,
    value: ReturnType<typeof imageOf>,
    options: typeof pull,
  ): Reference => {
    const faults: readonly Fault[] = [...(value.ok ? [] : [value.fault]), ...options.faults];
    return {
      ...image,
      key: `services.${service.name}.${key}`,
      kind: 'compose',
      ...main,
      scope: 'system',
      activation,
      via: [],
      ...(value.ok ? { image: value.image } : {}),
      pull: options.options,
      problems: faults.map((fault) => problemOf(fault, image, main)),
    };
  };
  const references: Reference[] = [];
  const image = one('image');
  const builds = service.fields.get('build');
  // Compose builds a service with a `build` instead of pulling, unless `pull_policy` says
  // otherwise.
  const pulls = builds === undefined || !(policy === undefined || policy === 'build');
  if (image !== undefined && pulls) {
    const raw = image.value.text ?? '';
    const place = { raw, path: files.place(image.path), line: image.value.line };
    references.push(reference(place, 'image', imageIn(image, service, context), pull));
  }
  if (builds !== undefined) {
    for (const { platform: own, ...base } of bases(builds, service, files, projects, context)) {
      const buildPull = composePull(undefined, own ?? platform);
      references.push(reference(base, 'build', imageOf(base.raw, context.shortNames), buildPull));
    }
  } else if (image === undefined) {
    files.problem(service.path, service.line, nothing(service.name));
  }
  return references;
}

function bases(
  builds: readonly Field[],
  service: Service,
  files: ComposeFiles,
  projects: Projects,
  context: SourceContext,
): BuildImage[] {
  return buildImages(service, builds, files, projects, context.architecture);
}

function imageIn({ value }: Field, service: Service, { shortNames }: SourceContext) {
  if (value.text === undefined) return { ok: false as const, fault: noName };
  const text = interpolate(value.text, service.environment);
  return text.ok ? imageOf(text.text, shortNames) : text;
}

/**
 * Whether a service starts by default: without profiles always (Compose specification,
 * 15-profiles).
 */
function startsByDefault(service: Service, projects: Projects): boolean {
  const fields = service.fields.get('profiles') ?? [];
  const profiles = fields.flatMap(({ value, path }) =>
    (value.items ?? []).flatMap((item) => projects.text(item, path, service.environment) ?? []),
  );
  const enabled = (service.environment.get('COMPOSE_PROFILES') ?? '').split(',');
  return (
    profiles.length === 0 || enabled.includes('*') || profiles.some((p) => enabled.includes(p))
  );
}

function problemOf(
  { code, message, hint }: Fault,
  { path, line }: { readonly path: string; readonly line: number },
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
