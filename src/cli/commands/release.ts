import type { Command } from 'commander';
import { counted } from '../../common/counted.ts';
import { idOfTarget } from '../../host/root.ts';
import { release } from '../../lifecycle/release.ts';
import { pinsIn, readSituation } from '../../lifecycle/situation.ts';
import { isLiving } from '../../state/record.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { shownLine } from '../render/shown.ts';
import { withHost } from '../with-host.ts';

/** `berth release`: drop the pins of a root. */
export function defineRelease(command: Command): void {
  withCommonOptions(
    command.description(
      'Drop every pin of ROOT (a path or an id; the tree may be gone). Its images stay until ' +
        '`berth prune`.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth release os-a')
    .action(async (target: string, options: CommonOptions) => {
      await withHost(options, async (host) => {
        const context = await host.context();
        const given = await idOfTarget(host, target, context.state.records().byId);
        const situation = await readSituation(context, { root: given });
        const { records } = situation;
        const before = records.get(given);
        const isIdle =
          before !== undefined &&
          !isLiving(before) &&
          !pinsIn(situation).some(({ root }) => root === given);
        const { id, pins, images } = await release(context, given);
        print(options.format, {
          json: () => ({ apiVersion: 'berth/v1', kind: 'ReleaseResult', root: id, pins, images }),
          table: () =>
            isIdle
              ? shownLine(`nothing to release: ${id} is released already${leftTo(images)}`)
              : shownLine(`released ${id}: ${counted(pins, 'pin')} dropped${leftTo(images)}`),
          refs: () => [],
        });
      });
    });
}

function leftTo(images: number): string {
  if (images === 0) return '';
  const left = images === 1 ? 'is left' : 'are left';
  return `; ${counted(images, 'image')} that nobody else wants ${left} to \`berth prune\``;
}
