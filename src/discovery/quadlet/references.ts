import { scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { type ImageValue, imageOf, privateImageOf } from '../image-value.ts';
import type { Fault, Problem } from '../problem.ts';
import type { PullOptions, Reference } from '../reference.ts';
import type { Found } from '../source.ts';
import { type Arguments, artifact, readArguments } from './arguments.ts';
import { type BuildContext, buildImages } from './build.ts';
import { containerPull, imagePull, type PullContext } from './pull-options.ts';
import { referenceFields } from './reference-fields.ts';
import { refusalOf } from './refusal.ts';
import type { Units } from './refused.ts';
import { problemOfUnit, type QuadletUnit, sectionOf, subjectOf } from './unit.ts';

export interface ReferenceContext extends PullContext, BuildContext {
  readonly units: Units;
  /** What the `.image` units name, by file name; complete before any other unit is looked at. */
  readonly imageUnits: ReadonlyMap<string, Reference>;
}

/** What one unit names, a `.kube` unit apart. */
export function imagesOf(unit: QuadletUnit, context: ReferenceContext): Found {
  if (unit.masked) return none;
  const refusal = refusalOf(unit, context.units);
  if (unit.type === 'network' || unit.type === 'kube') return none;
  if (refusal !== undefined) return { references: [], problems: [refusal] };
  if (unit.type === 'artifact') {
    const at = scalar(unit.entries, 'Artifact', 'Artifact');
    return { references: [], problems: [problemOfUnit(unit, at, artifact)] };
  }
  if (unit.type === 'build') return buildImages(unit, unit, context);
  const given = readArguments(unit, context);
  const own = ownImages(unit, given, context);
  const mounted = given.images.map((entry) => referencesAt(unit, entry, context));
  return {
    references: [
      ...own.references,
      ...mounted.flatMap(({ references }) =>
        references.map((one) => ({ ...one, pull: withStoresOf(given, one.pull) })),
      ),
    ],
    problems: [...given.ofUnit, ...[own, ...mounted].flatMap(({ problems }) => problems)],
  };
}

const none: Found = { references: [], problems: [] };

function ownImages(unit: QuadletUnit, given: Arguments, context: ReferenceContext): Found {
  const entry = unit.type === 'pod' ? undefined : imageEntry(unit);
  if (entry === undefined) return none;
  const { references, problems } = referencesAt(unit, entry, context);
  return {
    references: references.map((reference) => ({
      ...reference,
      // What a build needs, the podman of the build fetches.
      pull: isBuilt(unit, entry)
        ? reference.pull
        : withStoresOf(given, { ...reference.pull, ...given.pull }),
      problems: [...reference.problems.filter(isStillTrue(given)), ...given.ofPull],
    })),
    problems,
  };
}

/** Where podman looks is said by the unit that runs it alone, whatever a `.image` unit says. */
function withStoresOf(
  { pull: { additionalStores } }: Arguments,
  options: PullOptions,
): PullOptions {
  const { additionalStores: _, ...pull } = options;
  return additionalStores === undefined ? pull : { ...pull, additionalStores };
}

/** An argument may say otherwise than the unit's own key. */
function isStillTrue({ pull }: Arguments): (problem: Problem) => boolean {
  return ({ code }) =>
    code !== 'pull-always' || pull.policy === undefined || pull.policy === 'always';
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

function isBuilt(unit: QuadletUnit, { value }: UnitEntry): boolean {
  return unit.type !== 'image' && value.endsWith('.build');
}

function referencesAt(unit: QuadletUnit, entry: UnitEntry, context: ReferenceContext): Found {
  const build = isBuilt(unit, entry) ? context.units.byName.get(entry.value) : undefined;
  if (build === undefined) {
    return { references: [referenceAt(unit, entry, context)], problems: [] };
  }
  const { references, problems } = buildImages(build, unit, context);
  const word = problemOfUnit(unit, entry, builtOnHost(entry.value));
  return { references, problems: [...problems, { ...word, note: true }] };
}

function referenceAt(unit: QuadletUnit, entry: UnitEntry, context: ReferenceContext): Reference {
  if (unit.type === 'image') {
    const pull = imagePull(unit, context);
    const image = named(unit, entry, entry.value, context);
    return reference(unit, entry, image, pull.options, pull.problems);
  }
  if (entry.value.endsWith('.image')) return referenceByImageUnit(unit, entry, context);
  const pull = ownPull(unit, context, undefined);
  const image = named(unit, entry, entry.value, context);
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
  const imageService = target.service;
  if (source.image === undefined) {
    return { ...reference(unit, entry, undefined, pull.options, problems), imageService };
  }
  const tag = scalar(target.entries, 'Image', 'ImageTag');
  const image: ImageValue =
    tag === undefined || tag.value === ''
      ? { ok: true, image: source.image }
      : named(unit, tag, tag.value, context);
  return { ...reference(unit, entry, image, pull.options, problems), imageService };
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
  const name = word.slice(prefix.length);
  return expanded.isPrivate ? privateImageOf(name, shortNames) : imageOf(name, shortNames);
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
    ...referenceFields(unit),
    raw: entry.value,
    path: entry.path,
    line: entry.line,
    key: entry.key,
    ...(image?.ok === true ? { image: image.image } : {}),
    pull,
    problems: [...own, ...problems],
  };
}

function builtOnHost(name: string): Fault {
  return {
    code: 'built-on-host',
    message: `${name} makes the image on the host: its base images are fetched, not the image itself`,
    hint: 'nothing needs to be done; a build that needs the network at boot fails without it',
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
