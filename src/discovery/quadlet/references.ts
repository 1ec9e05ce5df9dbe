import { scalar } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import {
  archivedFields,
  archiveOf,
  type ImageValue,
  imageOf,
  privateImageOf,
} from '../image-value.ts';
import type { Fault, Problem } from '../problem.ts';
import type { ArchivedImages, PullOptions, Reference } from '../reference.ts';
import type { Found } from '../source.ts';
import { type Arguments, noArguments, readArguments } from './arguments.ts';
import { mountedArtifact, ownArtifact } from './artifacts.ts';
import { type BuildContext, buildImages } from './build.ts';
import { containerPull, imagePull, type Pull, type PullContext } from './pull-options.ts';
import { referenceFields } from './reference-fields.ts';
import type { Units } from './refusal/refused.ts';
import { problemOfUnit, type QuadletUnit, sectionOf, serviceOf, subjectOf } from './unit.ts';

export interface ReferenceContext extends PullContext, BuildContext {
  readonly units: Units;
  /** The references of the `.image` units, by file name; complete before other units are read. */
  readonly imageUnits: ReadonlyMap<string, Reference>;
}

/** Finds the images that a unit names of which podman makes a service. For `.kube` units see kube.ts. */
export function imagesOf(unit: QuadletUnit, context: ReferenceContext): Found {
  // podman makes a pod, with an infra container, even from an empty `.pod` file.
  if (unit.masked && unit.type !== 'pod') return none;
  if (unit.type === 'network' || unit.type === 'kube') return none;
  if (unit.type === 'artifact') return ownArtifact(unit, context);
  if (unit.type === 'build') return buildImages(unit, unit, context);
  const given = readArguments(unit, context);
  // Read once: a unit can have thousands of mounts.
  const pull = unitsPull(unit, context);
  const own = ownImages(unit, given, pull, context);
  if (isPlain(given)) return own;
  const mounted = given.images.map((entry) => referencesAt(unit, entry, pull, context));
  return {
    references: [
      ...own.references,
      ...mounted.flatMap(({ references }) =>
        references.map((one) => ({ ...one, pull: withStoresOf(given, one.pull) })),
      ),
      ...given.artifacts.map((entry) => mountedArtifact(unit, entry, context)),
    ],
    problems: [...given.unitProblems, ...[own, ...mounted].flatMap(({ problems }) => problems)],
  };
}

/** Whether the arguments name nothing to pull and have no problem. */
function isPlain({ images, artifacts, unitProblems }: Arguments): boolean {
  return images.length + artifacts.length + unitProblems.length === 0;
}

const none: Found = { references: [], problems: [] };

function ownImages(
  unit: QuadletUnit,
  given: Arguments,
  unitPull: Pull,
  context: ReferenceContext,
): Found {
  const entry = unit.type === 'pod' ? undefined : imageEntry(unit);
  if (entry === undefined) return none;
  const found = referencesAt(unit, entry, unitPull, context);
  const { references, problems } = found;
  if (given === noArguments && references.every(hasNoStores)) return found;
  return {
    references: references.map((reference) => ({
      ...reference,
      // The base images of a build are pulled by the podman of the build, with its own options.
      pull: isBuilt(unit, entry)
        ? reference.pull
        : withStoresOf(given, { ...reference.pull, ...given.pull }),
      problems: [...reference.problems.filter(isStillTrue(given)), ...given.pullProblems],
    })),
    problems,
  };
}

function hasNoStores({ pull }: Reference): boolean {
  return pull.additionalStores === undefined;
}

/** Sets the additional stores of the unit that runs podman, whatever a `.image` unit sets. */
function withStoresOf(
  { pull: { additionalStores } }: Arguments,
  options: PullOptions,
): PullOptions {
  const { additionalStores: _, ...pull } = options;
  return additionalStores === undefined ? pull : { ...pull, additionalStores };
}

/** Drops `pull-always` problems if an argument overrides the policy in the unit's own key. */
function isStillTrue({ pull }: Arguments): (problem: Problem) => boolean {
  return ({ code }) =>
    code !== 'pull-always' || pull.policy === undefined || pull.policy === 'always';
}

/**
 * The entry that names the unit's image; undefined for a container with a root file system instead,
 * and for a volume with another driver.
 */
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

function referencesAt(
  unit: QuadletUnit,
  entry: UnitEntry,
  pull: Pull,
  context: ReferenceContext,
): Found {
  const build = isBuilt(unit, entry) ? context.units.byName.get(entry.value) : undefined;
  if (build === undefined) {
    return { references: [referenceAt(unit, entry, pull, context)], problems: [] };
  }
  const { references, problems } = buildImages(build, unit, context);
  const word = problemOfUnit(unit, entry, builtOnHost(entry.value));
  return { references, problems: [...problems, { ...word, note: true }] };
}

function referenceAt(
  unit: QuadletUnit,
  entry: UnitEntry,
  pull: Pull,
  context: ReferenceContext,
): Reference {
  if (unit.type !== 'image' && entry.value.endsWith('.image')) {
    return referenceByImageUnit(unit, entry, pull, context);
  }
  const image = named(unit, entry, entry.value, context);
  return reference(unit, entry, image, pull.options, pull.problems);
}

/** The reference of `Image=x.image`: the image, pull options and problems of that `.image` unit. */
function referenceByImageUnit(
  unit: QuadletUnit,
  entry: UnitEntry,
  own: Pull,
  context: ReferenceContext,
): Reference {
  const target = context.units.byName.get(entry.value);
  const source = context.imageUnits.get(entry.value);
  if (target === undefined || source === undefined) {
    const image = { ok: false as const, fault: noImageFrom(entry.value) };
    return reference(unit, entry, image, own.options, own.problems);
  }
  const options = { ...source.pull, ...own.options };
  const inherited = source.problems.map((problem) => ({ ...problem, subject: subjectOf(unit) }));
  const problems = [...inherited, ...own.problems];
  const imageService = target.service;
  const tagged = scalar(target.entries, 'Image', 'ImageTag')?.value ?? '';
  if (source.archived !== undefined && tagged === '') {
    const image = { ok: true, archived: source.archived } as const;
    return { ...reference(unit, entry, image, options, problems), imageService };
  }
  if (source.image === undefined && source.archived === undefined) {
    return { ...reference(unit, entry, undefined, options, problems), imageService };
  }
  const tag = scalar(target.entries, 'Image', 'ImageTag');
  const image: Named =
    tag === undefined || tag.value === ''
      ? { ok: true, image: source.image ?? '' }
      : named(unit, tag, tag.value, context);
  return { ...reference(unit, entry, image, options, problems), imageService };
}

/** How a unit pulls: options that it takes over from a `.image` unit stand behind these. */
function unitsPull(unit: QuadletUnit, context: ReferenceContext): Pull {
  if (unit.type === 'image') return imagePull(unit, context);
  if (unit.type === 'container') return containerPull(unit, context, undefined);
  return { options: { policy: 'missing' }, problems: [] };
}

/** The full name of an image or an archive that podman takes the image from, or why neither is known. */
type Named = ImageValue | { readonly ok: true; readonly archived: ArchivedImages };

/** The full name of an image, from the value that systemd passes to podman. */
function named(
  unit: QuadletUnit,
  entry: UnitEntry,
  value: string,
  { expander, shortNames }: ReferenceContext,
): Named {
  // For a volume the image is only part of a word, so `$NAME` is not replaced in it.
  const prefix = unit.type === 'volume' ? 'image=' : '';
  const expanded = expander.expand(serviceOf(unit), prefix + value);
  if (!expanded.ok) return expanded;
  const word = expanded.words[0];
  if (word === undefined) return { ok: false, fault: emptyVariable(entry.key) };
  const name = word.slice(prefix.length);
  if (expanded.isPrivate) return privateImageOf(name, shortNames);
  // A volume's image must be in podman's store already.
  const takesArchive =
    unit.type === 'container' || (unit.type === 'image' && entry.key === 'Image');
  return (takesArchive ? archiveOf(name, 'at-start') : undefined) ?? imageOf(name, shortNames);
}

function reference(
  unit: QuadletUnit,
  entry: UnitEntry,
  image: Named | undefined,
  pull: PullOptions,
  problems: readonly Problem[],
): Reference {
  const isArchive = image?.ok === true && 'archived' in image;
  return {
    ...referenceFields(unit),
    raw: entry.value,
    path: entry.path,
    line: entry.line,
    key: entry.key,
    pull,
    problems:
      image?.ok === false ? [problemOfUnit(unit, entry, image.fault), ...problems] : problems,
    ...(image?.ok === true && !isArchive ? { image: image.image } : {}),
    ...(isArchive ? archivedFields(image.archived, { pull, problems }) : {}),
  };
}

function builtOnHost(name: string): Fault {
  return {
    code: 'built-on-host',
    message: `${name} builds the image on the host: its base images are fetched, not the image itself`,
    hint: 'nothing to do; a build that needs the network at boot fails without it',
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
