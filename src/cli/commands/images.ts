import { type Command, InvalidArgumentError, Option } from 'commander';
import { type BoundReference, type Survey, survey } from '../../binding/survey.ts';
import { type Activation, activations } from '../../discovery/reference.ts';
import { imageReference, problemEntry } from '../../documents/entries.ts';
import { withRoot } from '../../host/root.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { printProblems } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { type Cell, renderTable } from '../render/table.ts';
import { hostConfig } from '../surroundings.ts';

/** `berth images`: what a root names. Needs no engine and no network. */
export function defineImages(command: Command): void {
  withRootOptions(
    command.description(
      'List every image that the units of ROOT name, where, and whether it is bound: ' +
        'present while the root lives. Nothing is fetched; no engine is asked.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth images /ostree/deploy/os/deploy/1234.0\n  berth images --format refs ./rootfs\n  berth images --activation boot --activation socket ./rootfs',
    )
    .addOption(
      // Not variadic: that would take ROOT for one more way.
      new Option('--activation <how>', 'only what comes to start so; may be said several times')
        .choices(activations)
        .argParser(oneMoreActivation),
    )
    .action(async (spec: string | undefined, options: ImagesOptions) => {
      const { compose } = await hostConfig(options);
      const all = await withRoot(
        spec,
        (root) => survey(root, { bind: options.bind, compose }),
        options,
      );
      const found = startedBy(options.activation, all);
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
      if (options.format === 'table') printNothing(all);
    });
}

interface ImagesOptions extends RootOptions {
  readonly activation?: readonly Activation[];
}

function oneMoreActivation(text: string, before: readonly Activation[] = []): Activation[] {
  const how = activations.find((activation) => activation === text);
  if (how !== undefined) return [...before, how];
  throw new InvalidArgumentError(`Allowed choices are ${activations.join(', ')}.`);
}

/** The references that start in one of these ways; the problems stay, they may hide others. */
function startedBy(how: readonly Activation[] | undefined, found: Survey): Survey {
  if (how === undefined) return found;
  const references = found.references.filter(({ activation }) => how.includes(activation));
  return { ...found, references };
}

/** What a root says of itself: the digest in the name, or that of its lock. */
function digestOf(image: string, { lock: { lock } }: Survey): { digest?: string } {
  const digest = lock?.get(image)?.digest ?? image.split('@')[1];
  return digest === undefined ? {} : { digest };
}

function table({ references }: Survey): string {
  if (references.length === 0) return '';
  return renderTable(
    ['IMAGE', 'UNIT', 'STARTS', 'BOUND', 'RULE', 'PLACE'],
    references.map((reference) => [
      imageCell(reference),
      reference.unit,
      reference.activation,
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
    stderr.write(shownLine(`${location} names no image.`));
  } else if (!references.some((reference) => reference.decision.bound)) {
    stderr.write(`Nothing is bound. ${howToBind}\n`);
  }
}

/** Said wherever nothing is bound. */
export const howToBind =
  'To bind: link the units from /usr/lib/berth/bound.d, write Bind=yes in the [X-Berth] section of a unit, set mode in the root’s /usr/lib/berth/berth.toml, or say --bind all.';
