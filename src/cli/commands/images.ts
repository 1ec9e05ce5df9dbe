import { type Command, InvalidArgumentError, Option } from 'commander';
import { HOW_TO_BIND } from '../../binding/bind.ts';
import { type BoundReference, type Survey, survey } from '../../binding/survey.ts';
import type { EngineId } from '../../common/engine-id.ts';
import { type Activation, activations } from '../../discovery/reference.ts';
import { imageReference, problemEntry } from '../../documents/entries.ts';
import { chosenEngines } from '../../host/engines.ts';
import { callingUser } from '../../host/self.ts';
import { isTable, type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { engineColumn, imageColumn } from '../render/columns.ts';
import { type Column } from '../render/fit.ts';
import { printProblems } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { type Cell, type Look, renderTable } from '../render/table.ts';
import { reading, withHost } from '../with-host.ts';

/** `berth images`: the images that a root names. Needs no engine and no network. */
export function defineImages(command: Command): void {
  withRootOptions(
    command
      .description(
        'List every image that the units of ROOT name, its place, and whether it is bound: ' +
          'it must be present while the root lives. Fetches nothing and asks no engine.',
      )
      .addOption(
        // Not a variadic option: ROOT would be taken for another of its values.
        new Option('--activation <how>', 'only units that start in this way; can be repeated')
          .choices(activations)
          .argParser(oneMoreActivation),
      ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth images /ostree/deploy/os/deploy/1234.0\n  berth images --format refs ./rootfs\n  berth images --activation boot --activation socket ./rootfs',
    )
    .action(async (spec: string | undefined, options: ImagesOptions) => {
      const all = await withHost(options, async (host) => {
        const { compose, engine: configured } = await host.config();
        const { engine: name, user = false } = options;
        // Without --user, a user sees all images of a root, and not only those of the user's own units.
        const { all, only, lists, own } = chosenEngines({ name, configured, user });
        const self = host.user ? callingUser(host.environment, only === own && user) : undefined;
        const found = await reading(host, spec, (root) =>
          survey(root, { bind: options.bind, compose, engines: { all, lists }, self }),
        );
        return only === undefined ? found : runBy(only, found);
      });
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
        table: (look) => table(found, look),
        refs: () => images.keys(),
      });
      if (options.format !== 'json') printProblems(found.problems);
      if (isTable(options.format)) printNothing(all, options.engine);
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

/**
 * Keeps the references that start in one of these ways, and all problems, because they may hide references.
 */
function startedBy(how: readonly Activation[] | undefined, found: Survey): Survey {
  if (how === undefined) return found;
  const references = found.references.filter(({ activation }) => how.includes(activation));
  return { ...found, references };
}

/** Keeps the references that one engine runs, and all problems, because they may hide references. */
function runBy(engine: EngineId, found: Survey): Survey {
  const references = found.references.filter((reference) => reference.engine === engine);
  return { ...found, references };
}

/** The digest that the root itself gives for an image: in its lock file, or in the name. */
function digestOf(image: string, { lock: { lock } }: Survey): { digest?: string } {
  const named = image.includes('@') ? image.split('@')[1] : undefined;
  const digest = lock?.get(image)?.digest ?? named;
  return digest === undefined ? {} : { digest };
}

const IMAGES: readonly Column[] = [
  imageColumn,
  engineColumn,
  { header: 'UNIT', always: true, cut: 'left' },
  { header: 'STARTS' },
  { header: 'BOUND' },
  { header: 'RULE', wide: true },
  { header: 'SCOPE', wide: true },
  { header: 'PLACE', wide: true },
];

function table({ references }: Survey, look: Look): string {
  if (references.length === 0) return '';
  return renderTable(
    IMAGES,
    references.map((reference) => [
      imageCell(reference),
      reference.engine ?? { text: '?', colour: 'yellow' },
      reference.unit,
      reference.activation,
      reference.decision.bound ? { text: 'yes', colour: 'green' } : 'no',
      reference.decision.rule,
      reference.scope,
      `${reference.path}:${reference.line}`,
    ]),
    look,
  );
}

function imageCell({ image, raw }: BoundReference): Cell {
  return image ?? { text: `? ${raw}`, colour: 'yellow' };
}

function printNothing({ references, location }: Survey, engine: EngineId | undefined): void {
  const { stderr } = process;
  if (references.length === 0) {
    const by = engine === undefined ? '' : ` that ${engine} runs`;
    stderr.write(shownLine(`${location} names no image${by}.`));
  } else if (!references.some((reference) => reference.decision.bound)) {
    stderr.write(`Nothing is bound. To bind: ${HOW_TO_BIND}.\n`);
  }
}
