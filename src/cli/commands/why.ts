import type { Command } from 'commander';
import { type BoundReference, survey } from '../../binding/survey.ts';
import { append } from '../../common/append.ts';
import { imageReference, placeEntry } from '../../documents/entries.ts';
import { namesMeantBy } from '../../host/names.ts';
import { withRoot } from '../../host/root.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { type Why, whyOf } from '../../lifecycle/why.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { shownLine } from '../render/shown.ts';
import { inSurroundings } from '../surroundings.ts';

/** `berth why`: who names an image, who holds it. */
export function defineWhy(command: Command): void {
  withRootOptions(
    command.description(
      'Show which units of ROOT and of the staged roots name IMAGE, by what chain of units they start, and which pins hold it.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth why quay.io/acme/app:1 ./rootfs')
    .action(async (image: string, spec: string | undefined, options: RootOptions) => {
      await inSurroundings(options, async (surroundings) => {
        const { compose } = surroundings;
        const { found, name } = await withRoot(
          spec,
          async (root) => {
            // What a name means comes from the root that uses it.
            const [meant = image] = await namesMeantBy([image], root);
            return { found: await survey(root, { bind: options.bind, compose }), name: meant };
          },
          options,
        );
        const why = whyOf(name, found.references, await readSituation(surroundings));
        print(options.format, {
          json: () => ({
            apiVersion: 'berth/v1',
            kind: 'Why',
            image: why.image,
            references: why.references.map(imageReference),
            roots: why.roots.map((root) => ({
              ...root,
              references: root.references.map(placeEntry),
            })),
            ...(why.present === undefined
              ? {}
              : {
                  present: {
                    ...why.present,
                    names: [...why.present.names],
                    digests: [...why.present.digests],
                  },
                }),
            pins: why.pins.map(({ root, id, handle }) => ({ root, id, handle })),
          }),
          table: () => text(why, found.location),
          refs: () => [why.image],
        });
      });
    });
}

/** The chain of units by which it comes to start, and what the host is asked on the way. */
function startOf({ activation, via, conditions = [] }: BoundReference): readonly string[] {
  return [
    via.length === 0 ? `    activation ${activation}` : `    ${activation}: ${via.join(' → ')}`,
    ...conditions.map((condition) => `    if the host meets ${condition}`),
  ];
}

function text(why: Why, location: string): string {
  const said = [why.image];
  for (const reference of why.references) {
    const { path, line, unit, decision } = reference;
    const bound = decision.bound ? 'bound' : 'not bound';
    said.push(`  named in ${location} by ${unit} (${path}:${line}): ${bound}, ${decision.rule}`);
    append(said, startOf(reference));
  }
  for (const { id, digest, references } of why.roots) {
    said.push(`  staged for ${id}, digest ${digest}`);
    for (const { path, line, unit } of references) said.push(`    by ${unit} (${path}:${line})`);
  }
  if (why.present === undefined) said.push('  not present');
  else said.push(`  present, image ID ${why.present.id}`);
  for (const { root, handle } of why.pins) said.push(`  pinned for ${root} (${handle})`);
  if (why.pins.length === 0) said.push('  not pinned');
  return said.map(shownLine).join('');
}
