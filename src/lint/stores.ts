import type { BoundReference, Survey } from '../binding/survey.ts';
import { findingAt, type LintFinding } from './finding.ts';

const BOOTC_LINKS = '/usr/lib/bootc/bound-images.d/';
/** bootc's own store. podman looks there only if the unit says so. */
const BOOTC_STORE = '/usr/lib/bootc/storage';

/**
 * Findings about units whose images both bootc and berth fetch, each into a store of its own: units
 * linked from both directories, and units that bootc binds although their podman never looks into
 * bootc's store.
 *
 * Source: bootc, docs, "Logically bound images".
 */
export function storeFindings(survey: Survey): readonly LintFinding[] {
  const ofBootc = new Set<string>();
  const ofBerth = new Set<string>();
  for (const { path, target } of survey.links) {
    (path.startsWith(BOOTC_LINKS) ? ofBootc : ofBerth).add(target);
  }
  return survey.references.flatMap((reference) => {
    const file = reference.unitRealPath ?? reference.unitPath;
    if (!reference.decision.bound || !ofBootc.has(file)) return [];
    if (ofBerth.has(file)) return [linkedTwice(reference)];
    return reference.pull.additionalStores?.includes(BOOTC_STORE) === true
      ? []
      : [looksElsewhere(reference)];
  });
}

function linkedTwice(reference: BoundReference): LintFinding {
  return findingAt(reference, 'two-stores', {
    message: `${reference.unit} is linked from bootc’s bound-images.d and from berth’s bound.d: each fetches its image into a store of its own`,
    hint: 'keep one of the two links',
  });
}

function looksElsewhere(reference: BoundReference): LintFinding {
  return findingAt(reference, 'two-stores', {
    message: `bootc fetches the image of ${reference.unit} into ${BOOTC_STORE}, where its podman does not look`,
    hint: `link it from /usr/lib/berth/bound.d instead; or leave it to bootc with GlobalArgs=--storage-opt=additionalimagestore=${BOOTC_STORE}`,
  });
}
