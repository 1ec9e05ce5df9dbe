import type { Command } from 'commander';
import { HOW_TO_BIND } from '../../binding/bind.ts';
import { counted } from '../../common/counted.ts';
import { planFields } from '../../documents/plan.ts';
import { plannerOf } from '../../host/planner.ts';
import type { Plan } from '../../lifecycle/plan/plan.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { suitDownloads } from '../heap.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { planTable, refsOf } from '../render/plan.ts';
import { printFailures, printProblems } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { reading, withHost } from '../with-host.ts';

/** `berth plan`: show what `berth stage` would do. Changes nothing. */
export function definePlan(command: Command): void {
  withRootOptions(
    command.description(
      'Resolve every bound image of ROOT and show what `berth stage` would fetch, pin and drop. ' +
        'Changes nothing.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth plan ./rootfs\n  berth plan --bind all --format json /',
    )
    .action(async (spec: string | undefined, options: RootOptions) => {
      await withHost(options, async (host) => {
        const plan = await reading(host, spec, async (root, called) => {
          const context = await host.context();
          const { bind, id } = options;
          const planner = await plannerOf(host, context, root, { called, bind, id, isShown: true });
          suitDownloads();
          return planner.plan(await readSituation(context, planner.looked));
        });
        print(options.format, {
          json: () => ({ apiVersion: 'berth/v1', kind: 'Plan', ...planFields(plan) }),
          table: (look) => planTable(plan, look),
          refs: () => refsOf(plan),
        });
        printFailures(plan.failures);
        if (options.format !== 'json') printProblems(plan.problems);
        if (plan.lack !== undefined) printFailures([{ name: plan.root.id, error: plan.lack }]);
        sayNothingBound(plan);
        process.exitCode =
          exitCodeOf(plan.failures.map(({ error }) => error)) ||
          (plan.lack === undefined ? 0 : exitCodes.refused);
      });
    });
}

/** Warns that nothing is bound, which is seldom what the user meant. */
function sayNothingBound({ root, wanted }: Plan): void {
  if (wanted.unbound === 0) return;
  const named = `${root.location} names ${counted(wanted.unbound, 'image')}, and none of them is bound`;
  process.stderr.write(shownLine(`${named}. To bind: ${HOW_TO_BIND}.`));
}
