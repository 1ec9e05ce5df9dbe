import type { BoundReference } from '../../binding/survey.ts';
import { append } from '../../common/append.ts';
import type { Why } from '../../lifecycle/why.ts';
import { providedBy } from './plan.ts';
import { shownLine } from './shown.ts';

/** The answer about one image: who names it, how these units start, and who holds the image. */
export function whyText(why: Why, location: string): string {
  const said = [why.image];
  if (why.references.length === 0) said.push(`  named by nothing in ${location}`);
  if (why.otherTags.length > 0) said.push(`  named there instead: ${why.otherTags.join(', ')}`);
  for (const reference of why.references) {
    const { path, line, unit, decision, engine = 'an unknown engine' } = reference;
    const bound = decision.bound ? 'bound' : 'not bound';
    said.push(
      `  named in ${location} by ${unit} (${path}:${line}), run by ${engine}: ${bound}, ${decision.rule}`,
    );
    append(said, startOf(reference));
  }
  for (const { id, engine, digest, references, provided } of why.roots) {
    said.push(`  staged for ${id} on ${engine}, digest ${digest}`);
    if (provided !== undefined) said.push(`    provided: ${providedBy(provided)}`);
    for (const { path, line, unit } of references) said.push(`    by ${unit} (${path}:${line})`);
  }
  const isProvided = why.roots.length > 0 && why.roots.every((root) => root.provided !== undefined);
  if (why.present.length === 0 && !isProvided) said.push('  not present');
  for (const { engine, id } of why.present) said.push(`  present on ${engine}, image ID ${id}`);
  for (const { engine, root, handle } of why.pins) {
    said.push(`  pinned for ${root} on ${engine} (${handle})`);
  }
  const isArtifact = why.present.some(({ artifact }) => artifact === true);
  if (isArtifact) said.push('  an artifact, for which podman has no pins');
  else if (why.pins.length === 0 && !isProvided) said.push('  not pinned');
  return said.map(shownLine).join('');
}

/** The answers about all images of a unit. */
export function whyUnitText(unit: string, images: readonly Why[], location: string): string {
  const [image] = images;
  if (image === undefined) return shownLine(`${unit} names no image that is known in ${location}.`);
  return images.map((why) => whyText(why, location)).join('');
}

/** The chain of units that starts a reference's unit, and the conditions on the way. */
function startOf({ activation, via, conditions = [] }: BoundReference): readonly string[] {
  return [
    via.length === 0 ? `    activation ${activation}` : `    ${activation}: ${via.join(' → ')}`,
    ...conditions.map((condition) => `    if the host meets ${condition}`),
  ];
}
