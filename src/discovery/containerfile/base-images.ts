import type { Fault } from '../problem.ts';
import { readStages, type Stage, type StageOptions, type Use } from './stages.ts';

/** An image that a build pulls. */
export interface BaseImage {
  /** The name with variables replaced; may have a transport. */
  readonly raw: string;
  /** The line of the instruction, 1-based. */
  readonly line: number;
  /** The value of `FROM --platform=`. */
  readonly platform?: string;
}

export interface BaseImages {
  readonly images: readonly BaseImage[];
  readonly faults: readonly (Fault & { readonly line?: number })[];
}

/** The options of a build on which its base images depend. */
export interface BuildOptions extends StageOptions {
  /** The stage to build, by name or number; the last one by default. */
  readonly target?: string;
  /** The images of named build contexts, by name; undefined for a context that is not an image. */
  readonly contexts?: ReadonlyMap<string, string | undefined>;
}

/**
 * Finds every image that a build of a Containerfile would pull. Stages that the target does not
 * need are not built (`--skip-unused-stages`, buildah's default; BuildKit does the same).
 */
export function baseImages(text: string, options: BuildOptions): BaseImages {
  const { images, faults } = everyBase(text, options);
  const more = images.length > mostImages ? [tooManyImages] : [];
  return {
    images: images.slice(0, mostImages),
    faults: [...faults.slice(0, mostSaid), ...more],
  };
}

/** More images than any build pulls: a file of a megabyte could name a hundred thousand. */
const mostImages = 20_000;
/** The most faults of one file that are said. */
const mostSaid = 100;

const tooManyImages: Fault = {
  code: 'too-large',
  message: `expected a build of at most ${mostImages} images, found more`,
  hint: 'use fewer images; the others are ignored',
};

function everyBase(text: string, options: BuildOptions): BaseImages {
  const { stages, faults } = readStages(text, options);
  if (stages.length === 0) return { images: [], faults: [...faults, noStage] };
  const target = targetOf(stages, options.target);
  if (target === undefined) {
    return { images: [], faults: [...faults, noTarget(options.target ?? '')] };
  }
  const taken = takenByStage(stages, options);
  const images: BaseImage[] = [];
  const all: (Fault & { line?: number })[] = [...faults];
  // Stages take only from earlier stages, so going backwards finds a stage after all its users.
  const needed = new Set([target]);
  for (let index = target; index >= 0; index--) {
    if (!needed.has(index)) continue;
    for (const { stage, image, fault } of taken[index] ?? []) {
      if (stage !== undefined) needed.add(stage);
      if (image !== undefined) images.push(image);
      if (fault !== undefined) all.push(fault);
    }
  }
  return { images: images.sort((a, b) => a.line - b.line), faults: all };
}

/** The source of one use, at most one of these; none for `scratch` and for other contexts. */
interface Taken {
  readonly stage?: number;
  readonly image?: BaseImage;
  readonly fault?: Fault & { readonly line: number };
}

function takenByStage(stages: readonly Stage[], options: BuildOptions): Taken[][] {
  // Names are case-insensitive; stages without a name have their number; a later stage hides an
  // earlier one of the same name.
  const earlier = new Map<string, number>();
  return stages.map(({ uses, name }, index) => {
    const taken = uses.map((use) => takenFrom(use, index, earlier, options));
    earlier.set(name?.ok === true ? name.text.toLowerCase() : String(index), index);
    return taken;
  });
}

function takenFrom(
  use: Use,
  index: number,
  earlier: ReadonlyMap<string, number>,
  options: BuildOptions,
): Taken {
  const { line } = use;
  if (!use.name.ok) return { fault: { ...use.name.fault, line } };
  const name = use.name.text;
  const stage = earlier.get(name.toLowerCase());
  if (stage !== undefined) return { stage };
  if (options.contexts?.has(name) === true) {
    const image = options.contexts.get(name);
    return image === undefined ? {} : { image: { raw: image, line } };
  }
  if (name === '') return { fault: { ...empty, line } };
  if (use.by !== 'FROM' && /^\d{1,9}$/.test(name)) {
    return Number(name) < index
      ? { stage: Number(name) }
      : { fault: { ...noSuchStage(name), line } };
  }
  if (name === 'scratch') return {};
  if (use.platform === undefined) return { image: { raw: name, line } };
  if (!use.platform.ok) return { fault: { ...use.platform.fault, line } };
  return { image: { raw: name, line, platform: use.platform.text } };
}

function targetOf(stages: readonly Stage[], target: string | undefined): number | undefined {
  if (target === undefined || target === '') return stages.length - 1;
  const named = stages.findIndex(
    ({ name }) => name?.ok === true && name.text.toLowerCase() === target.toLowerCase(),
  );
  if (named >= 0) return named;
  return /^\d{1,9}$/.test(target) && Number(target) < stages.length ? Number(target) : undefined;
}

const noStage: Fault = {
  code: 'containerfile',
  message: 'expected a FROM instruction, found none',
  hint: 'begin the Containerfile with FROM IMAGE',
};

const empty: Fault = {
  code: 'containerfile',
  message: 'expected the name of an image or a stage, found an empty one',
  hint: 'name an image, or give the variable a default',
};

function noTarget(target: string): Fault {
  return {
    code: 'containerfile',
    message: `expected a stage named ${target} as the target of the build, found none`,
    hint: 'name a stage that the Containerfile has',
  };
}

function noSuchStage(number: string): Fault {
  return {
    code: 'containerfile',
    message: `expected an earlier stage, found the number ${number}, which none has`,
    hint: 'number the stages from 0, or name them',
  };
}
