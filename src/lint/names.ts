import type { BoundReference, Survey } from '../binding/survey.ts';
import { fullName, repositoryOf } from '../image/name.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import { findingAt, type LintFinding } from './finding.ts';

/** The findings about names: `floating-tag`, `short-name`, `two-digests`. */
export function namesFindings(
  survey: Survey,
  asked: ReadonlyMap<string, ResolvedImage>,
): readonly LintFinding[] {
  return [
    // An archive in the root fixes what its names mean.
    ...survey.references
      .filter(({ archived }) => archived === undefined)
      .flatMap((reference) => [...floatingTag(reference, survey), ...shortName(reference)]),
    ...twoDigests(survey, asked),
  ];
}

function floatingTag(reference: BoundReference, { lock }: Survey): LintFinding[] {
  const { image } = reference;
  if (image === undefined || image.includes('@') || lock.lock?.has(image) === true) return [];
  // If the lock can't be read, it is unknown which names are locked.
  if (lock.problem !== undefined) return [];
  const why = lock.lock === undefined ? 'the root has no lock' : 'the root’s lock does not have it';
  const message = `${image} may mean another image on each host that fetches it: ${why}`;
  const hint = 'run `berth lock` when the root is built, or write the image with its digest';
  return [findingAt(reference, 'floating-tag', { message, hint })];
}

function shortName(reference: BoundReference): LintFinding[] {
  const { raw, image, artifact } = reference;
  // The name of an artifact is whole, or not known.
  if (artifact === true) return [];
  // `Image=x.image` names a unit, and a variable can have any value.
  if (image === undefined || /\.(image|build)$|\$/.test(raw)) return [];
  // A specifier is replaced by a letter, which can stand in any part of a name.
  const plain = fullName(raw.replace(/%./g, 'x'), { searchRegistries: [], aliases: {} });
  if (plain.ok || plain.code !== 'short-name') return [];
  return [
    findingAt(reference, 'short-name', {
      message: `${JSON.stringify(raw)} is ${image} only by the root’s registries.conf`,
      hint: 'write the image with its registry',
    }),
  ];
}

/**
 * Finds repositories that are pinned to two digests, or pinned to one digest while a tag means
 * another image (by the lock, or at the registry now). Two tags may differ from each other.
 */
function twoDigests({ references, lock }: Survey, asked: ReadonlyMap<string, ResolvedImage>) {
  const named = references.filter((reference) => reference.image !== undefined);
  const groups = Map.groupBy(named, ({ image = '' }) => repositoryOf(image));
  return [...groups].flatMap(([repository, group]) => {
    const pinned = new Set(group.flatMap(({ image }) => image?.split('@')[1] ?? []));
    if (pinned.size === 0) return [];
    const digestOf = ({ image = '' }: BoundReference) =>
      image.split('@')[1] ?? lock.lock?.get(image)?.digest ?? asked.get(image)?.digest;
    const known = new Set(group.flatMap((reference) => digestOf(reference) ?? []));
    if (known.size < 2) return [];
    return group
      .filter((reference) => digestOf(reference) !== undefined)
      .map((reference) =>
        findingAt(reference, 'two-digests', {
          message: `${repository} is ${digestOf(reference)} here, and something else in another unit`,
          hint: 'name it alike in every unit, or a host fetches and keeps both',
        }),
      );
  });
}
