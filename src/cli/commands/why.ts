import type { Command } from 'commander';
import { survey } from '../../binding/survey.ts';
import { problemEntry } from '../../documents/entries.ts';
import { whyEntry } from '../../documents/why.ts';
import { idOfRoot } from '../../host/root.ts';
import { answerWhy } from '../../host/why.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { bindOf } from '../../state/record.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { printProblems } from '../render/problems.ts';
import { whyText, whyUnitText } from '../render/why.ts';
import { reading, withHost } from '../with-host.ts';

/** `berth why`: who names an image, and who holds it. */
export function defineWhy(command: Command): void {
  withRootOptions(
    command.description(
      'Show which units of ROOT and of the staged roots name an image, the chain of units that starts them, and the pins that hold it. NAME is an image, or a unit, whose images are shown.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth why quay.io/acme/app:1 ./rootfs\n  berth why app.service ./rootfs',
    )
    .action(async (name: string, spec: string | undefined, options: RootOptions) => {
      await withHost(options, async (host) => {
        const { answer, location } = await reading(host, spec, async (root, deployment) => {
          const context = await host.context();
          const { compose, self, state } = context;
          const { byId } = state.records();
          const record = byId.get(idOfRoot(root.location, options.id, byId, deployment));
          // Without --user, a user sees who names the image among all units of a root.
          const alone = self?.alone === true && options.user === true;
          const found = await survey(root, {
            bind: options.bind ?? bindOf(record),
            compose,
            self: self && { ...self, alone },
          });
          const situation = await readSituation(context);
          const answer = await answerWhy(name, found, root, situation);
          return { answer, location: found.location };
        });
        if (answer.kind === 'image') {
          const { why } = answer;
          print(options.format, {
            json: () => ({ apiVersion: 'berth/v1', kind: 'Why', ...whyEntry(why) }),
            table: () => whyText(why, location),
            refs: () => [why.image],
          });
          return;
        }
        const { unit, images, problems } = answer;
        print(options.format, {
          json: () => ({
            apiVersion: 'berth/v1',
            kind: 'WhyUnit',
            unit,
            images: images.map(whyEntry),
            problems: problems.map(problemEntry),
          }),
          table: () => whyUnitText(unit, images, location),
          refs: () => images.map(({ image }) => image),
        });
        printProblems(problems);
      });
    });
}
