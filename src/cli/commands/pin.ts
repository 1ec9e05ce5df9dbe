import type { Command } from 'commander';
import { namesMeantBy, namesThatMayBeMeantBy } from '../../host/names.ts';
import { pinByHand, unpin } from '../../lifecycle/manual-pins.ts';
import { MANUAL } from '../../state/root-id.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { shownLine } from '../render/shown.ts';
import { withHost } from '../with-host.ts';

/** `berth pin`: pin present images by hand. */
export function definePin(command: Command): void {
  withCommonOptions(
    command.description('Pin images that are present, until `berth unpin`. Nothing is fetched.'),
  )
    .addHelpText('after', '\nExamples:\n  berth pin quay.io/acme/debug:1')
    .action(async (images: string[], options: CommonOptions) => {
      await withHost(options, async (host) => {
        const context = await host.context();
        const names = await namesMeantBy(images);
        const ids = await pinByHand(context, MANUAL, names);
        print(options.format, {
          json: () => ({ apiVersion: 'berth/v1', kind: 'PinResult', root: MANUAL, ids: [...ids] }),
          table: () => names.map((name) => shownLine(`pinned ${name}`)).join(''),
          refs: () => names,
        });
      });
    });
}

/** `berth unpin`: drop pins that were made by hand, and no others. */
export function defineUnpin(command: Command): void {
  withCommonOptions(
    command.description(
      'Drop a pin that was made by `berth pin` (give the image) or `berth pull --pin NAME` (give NAME). ' +
        'Refuses images that a root holds (exit code 4); `berth release` drops those pins.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth unpin quay.io/acme/debug:1')
    .action(async (what: string, options: CommonOptions) => {
      await withHost(options, async (host) => {
        const ids = await unpin(await host.context(), what, await namesThatMayBeMeantBy(what));
        print(options.format, {
          json: () => ({ apiVersion: 'berth/v1', kind: 'PinResult', root: MANUAL, ids: [...ids] }),
          table: () => shownLine(`unpinned ${what}`),
          refs: () => ids,
        });
      });
    });
}
