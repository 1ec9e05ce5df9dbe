import type { Command } from 'commander';
import { type BoundReference, type Survey, survey } from '../../lifecycle/survey.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { imageReference, printProblems, problemEntry } from '../render/problems.ts';
import { type Cell, renderTable } from '../render/table.ts';
import { withRoot } from '../target.ts';

/** `berth images`: what a root names. Needs no engine and no network. */
export function defineImages(command: Command): void {
  withRootOptions(
    command.description(
      'List every image that the units of ROOT name, where, and whether it is bound:\n' +
        'present while the root lives. Nothing is fetched; no engine is asked.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth images /ostree/deploy/os/deploy/1234.0\n  berth images --format refs ./rootfs',
    )
    .action(async (spec: string | undefined, options: RootOptions) => {
      const found = await withRoot(spec, (root) => survey(root, options.bind));
      const images = Map.groupBy(
        found.references.filter((reference) => reference.image !== undefined),
        (reference) => reference.image ?? '',
      );
      print(options.format, {
        json: () => ({
          apiVersion: 'berth/v1',
          kind: 'ImageList',
          root: found.location,
          images: [...images].map(([image, references]) => ({
            image,
            ...digestOf(image, found),
            references: references.map(imageReference),
          })),
          problems: found.problems.map(problemEntry),
        }),
        table: () => table(found),
        refs: () => images.keys(),
      });
      if (options.format !== 'json') printProblems(found.problems);
      if (options.format === 'table') printNothing(found);
    });
}

/** What a root says of itself: the digest in the name, or that of its lock. */
function digestOf(image: string, { lock: { lock } }: Survey): { digest?: string } {
  const digest = lock?.get(image)?.digest ?? image.split('@')[1];
  return digest === undefined ? {} : { digest };
}

function table({ references }: Survey): string {
  if (references.length === 0) return '';
  return renderTable(
    ['IMAGE', 'UNIT', 'BOUND', 'RULE', 'PLACE'],
    references.map((reference) => [
      imageCell(reference),
      reference.unit,
      reference.decision.bound ? { text: 'yes', colour: 'green' } : 'no',
      reference.decision.rule,
      `${reference.path}:${reference.line}`,
    ]),
    process.stdout,
  );
}

function imageCell({ image, raw }: BoundReference): Cell {
  return image ?? { text: `? ${raw}`, colour: 'yellow' };
}

function printNothing({ references, location }: Survey): void {
  const { stderr } = process;
  if (references.length === 0) {
    stderr.write(`${location} names no image.\n`);
  } else if (!references.some((reference) => reference.decision.bound)) {
    stderr.write(`Nothing is bound. ${howToBind}\n`);
  }
}

/** Said wherever nothing is bound. */
export const howToBind =
  'To bind: link the units from /usr/lib/berth/bound.d, write Bind=yes in the [X-Berth] section of a unit, set mode in the root’s /usr/lib/berth/berth.toml, or say --bind all.';
