import type { ShortNames } from '../../image/short-names.ts';
import type { Problem } from '../../problem.ts';
import { scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import type { Fault } from '../fault.ts';
import { type ImageValue, imageOf } from '../image-value.ts';
import type { PullOptions, Reference } from '../reference.ts';
import { argumentProblems } from './arguments.ts';
import { containerPull, imagePull, type PullContext } from './pull-options.ts';
import { refusalOf } from './refusal.ts';
import type { Units } from './refused.ts';
import { problemOfUnit, type QuadletUnit, sectionOf, subjectOf } from './unit.ts';
import { lintIgnoreOf } from './x-berth.ts';

export interface ReferenceContext extends PullContext {
  readonly units: Units;
  readonly shortNames: ShortNames;
  /** What the `.image` units name, by file name; complete before any other unit is looked at. */
  readonly imageUnits: ReadonlyMap<string, Reference>;
}

export interface UnitImages {
  readonly references: readonly Reference[];
  /** Those that do not belong to one of the references. */
  readonly problems: readonly Problem[];
}

/** The images that one unit names: none, or one with what is wrong with it. */
export function imagesOf(unit: QuadletUnit, context: ReferenceContext): UnitImages {
  if (unit.masked) return none;
  switch (unit.type) {
    case 'container':
    case 'image':
    case 'volume':
      return imagesOfReadType(unit, context);
    case 'artifact':
    case 'build':
    case 'kube':
      return { references: [], problems: [problemOfUnit(unit, undefined, typeNotRead(unit))] };
    case 'pod':
      return { references: [], problems: argumentProblems(unit).ofUnit };
    case 'network':
      return none;
  }
}

const none: UnitImages = { references: [], problems: [] };

function imagesOfReadType(unit: QuadletUnit, context: ReferenceContext): UnitImages {
  const refusal = refusalOf(unit, context.units);
  if (refusal !== undefined) return { references: [], problems: [refusal] };
  const { ofPull, ofUnit } = argumentProblems(unit);
  const entry = imageEntry(unit);
  if (entry === undefined) return { references: [], problems: ofUnit };
  const reference = referenceAt(unit, entry, context);
  return {
    references: [{ ...reference, problems: [...reference.problems, ...ofPull] }],
    problems: ofUnit,
  };
}

/** Where the image stands; a container may have a root file system instead, a volume another driver. */
function imageEntry(unit: QuadletUnit): UnitEntry | undefined {
  const section = sectionOf[unit.type];
  const entry = scalar(unit.entries, section, 'Image');
  if (unit.type === 'volume') {
    return scalar(unit.entries, section, 'Driver')?.value === 'image' ? entry : undefined;
  }
  return entry?.value === '' ? undefined : entry;
}

function referenceAt(unit: QuadletUnit, entry: UnitEntry, context: ReferenceContext): Reference {
  if (unit.type === 'image') {
    const pull = imagePull(unit, context);
    const image = named(unit, entry, entry.value, context);
    return reference(unit, entry, image, pull.options, pull.problems);
  }
  if (entry.value.endsWith('.image')) return referenceByImageUnit(unit, entry, context);
  const pull = ownPull(unit, context, undefined);
  const image = entry.value.endsWith('.build')
    ? { ok: false as const, fault: buildNotRead(entry.value) }
    : named(unit, entry, entry.value, context);
  return reference(unit, entry, image, pull.options, pull.problems);
}

/** `Image=x.image`: what that unit pulls, as it pulls it, and with all that is wrong with it. */
function referenceByImageUnit(
  unit: QuadletUnit,
  entry: UnitEntry,
  context: ReferenceContext,
): Reference {
  const target = context.units.byName.get(entry.value);
  const source = context.imageUnits.get(entry.value);
  if (target === undefined || source === undefined) {
    const pull = ownPull(unit, context, undefined);
    const image = { ok: false as const, fault: noImageFrom(entry.value) };
    return reference(unit, entry, image, pull.options, pull.problems);
  }
  const pull = ownPull(unit, context, source.pull);
  const inherited = source.problems.map((problem) => ({ ...problem, subject: subjectOf(unit) }));
  const problems = [...inherited, ...pull.problems];
  if (source.image === undefined) {
    return reference(unit, entry, undefined, pull.options, problems);
  }
  const tag = scalar(target.entries, 'Image', 'ImageTag');
  const image: ImageValue =
    tag === undefined || tag.value === ''
      ? { ok: true, image: source.image }
      : named(unit, tag, tag.value, context);
  return reference(unit, entry, image, pull.options, problems);
}

function ownPull(
  unit: QuadletUnit,
  context: ReferenceContext,
  inherited: PullOptions | undefined,
): { options: PullOptions; problems: readonly Problem[] } {
  if (unit.type === 'container') return containerPull(unit, context, inherited);
  return { options: { ...inherited, policy: 'missing' }, problems: [] };
}

/** A value as systemd hands it to podman, made a full name. */
function named(
  unit: QuadletUnit,
  entry: UnitEntry,
  value: string,
  { expander, shortNames }: ReferenceContext,
): ImageValue {
  // For a volume the image is a part of a word, in which `$NAME` stands for itself.
  const prefix = unit.type === 'volume' ? 'image=' : '';
  const expanded = expander.expand(unit, prefix + value);
  if (!expanded.ok) return expanded;
  const word = expanded.words[0];
  if (word === undefined) return { ok: false, fault: emptyVariable(entry.key) };
  return imageOf(word.slice(prefix.length), shortNames);
}

function reference(
  unit: QuadletUnit,
  entry: UnitEntry,
  image: ImageValue | undefined,
  pull: PullOptions,
  problems: readonly Problem[],
): Reference {
  const own = image === undefined || image.ok ? [] : [problemOfUnit(unit, entry, image.fault)];
  return {
    raw: entry.value,
    path: entry.path,
    line: entry.line,
    key: entry.key,
    kind: unit.type,
    unit: unit.service,
    unitPath: unit.path,
    ...(unit.realPath === unit.path ? {} : { unitRealPath: unit.realPath }),
    scope: 'system',
    activation: 'unknown',
    via: [],
    ...(image?.ok === true ? { image: image.image } : {}),
    pull,
    ...(unit.bind === undefined ? {} : { bind: unit.bind }),
    ...lintIgnoreOf(unit),
    problems: [...own, ...problems],
  };
}

function typeNotRead(unit: QuadletUnit): Fault {
  return {
    code: 'not-read-yet',
    message: `expected a .container, .image or .volume unit, found a .${unit.type} unit, whose images berth does not read yet`,
    hint: 'name the images in .container or .image units too, or leave the unit unbound',
  };
}

function buildNotRead(name: string): Fault {
  return {
    code: 'not-read-yet',
    message: `expected an image to fetch, found ${name}, which builds one; berth does not read its base images yet`,
    hint: 'build the image beforehand and name it by its repository, or leave the unit unbound',
  };
}

function noImageFrom(name: string): Fault {
  return {
    code: 'refused',
    message: `expected an image from ${name}, found a unit that podman refuses, or an empty one`,
    hint: `correct ${name}, or name the image here`,
  };
}

function emptyVariable(key: string): Fault {
  return {
    code: 'variable',
    message: `expected an image in ${key}=, found a variable that is empty`,
    hint: 'set the variable, or write the image out',
  };
}
