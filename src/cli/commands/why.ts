import type { Command } from 'commander';
import { type BoundReference, survey } from '../../binding/survey.ts';
import { append } from '../../common/append.ts';
import { imageReference, placeEntry } from '../../documents/entries.ts';
import { namesMeantBy } from '../../host/names.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { type PresentImage, type Why, whyOf } from '../../lifecycle/why.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { shownLine } from '../render/shown.ts';
import { reading, withHost } from '../with-host.ts';

/** `berth why`: who names an image, and who holds it. */
export function defineWhy(command: Command): void {
  withRootOptions(
    command.description(
      'Show which units of ROOT and of the staged roots name IMAGE, the chain of units that starts them, and the pins that hold it.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth why quay.io/acme/app:1 ./rootfs')
    .action(async (image: string, spec: string | undefined, options: RootOptions) => {
      await withHost(options, async (host) => {
        const { why, location } = await reading(host, spec, async (root) => {
          const context = await host.context();
          // The registries.conf of the root that uses a short name defines its meaning.
          const [name = image] = await namesMeantBy([image], root);
          const { compose, self } = context;
          // Without --user, a user sees who names the image among all units of a root.
          const alone = self?.alone === true && options.user === true;
          const found = await survey(root, {
            bind: options.bind,
            compose,
            self: self && { ...self, alone },
          });
          const why = whyOf(name, found.references, await readSituation(context));
          return { why, location: found.location };
        });
        const presentOn = why.present.map(presentEntry);
        const [present] = presentOn;
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
            ...(present === undefined ? {} : { present }),
            presentOn,
            pins: why.pins.map(({ engine, root, id, handle }) => ({ engine, root, id, handle })),
          }),
          table: () => text(why, location),
          refs: () => [why.image],
        });
      });
    });
}

function presentEntry({ engine, id, names, digests, size }: PresentImage) {
  return { engine, id, names: [...names], digests: [...digests], size };
}

/** The chain of units that starts a reference's unit, and the conditions on the way. */
function startOf({ activation, via, conditions = [] }: BoundReference): readonly string[] {
  return [
    via.length === 0 ? `    activation ${activation}` : `    ${activation}: ${via.join(' → ')}`,
    ...conditions.map((condition) => `    if the host meets ${condition}`),
  ];
}

function text(why: Why, location: string): string {
  const said = [why.image];
  for (const reference of why.references) {
    const { path, line, unit, decision, engine = 'an unknown engine' } = reference;
    const bound = decision.bound ? 'bound' : 'not bound';
    said.push(
      `  named in ${location} by ${unit} (${path}:${line}), run by ${engine}: ${bound}, ${decision.rule}`,
    );
    append(said, startOf(reference));
  }
  for (const { id, engine, digest, references } of why.roots) {
    said.push(`  staged for ${id} on ${engine}, digest ${digest}`);
    for (const { path, line, unit } of references) said.push(`    by ${unit} (${path}:${line})`);
  }
  if (why.present.length === 0) said.push('  not present');
  for (const { engine, id } of why.present) said.push(`  present on ${engine}, image ID ${id}`);
  for (const { engine, root, handle } of why.pins) {
    said.push(`  pinned for ${root} on ${engine} (${handle})`);
  }
  if (why.pins.length === 0) said.push('  not pinned');
  return said.map(shownLine).join('');
}
