import type { Command } from 'commander';
import type { Pin } from '../../engine/pin.ts';
import { broughtByBerth } from '../../lifecycle/provenance.ts';
import { pinsIn, readSituation } from '../../lifecycle/situation.ts';
import { placeOf } from '../../state/record.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { engineColumn, idColumn, imageColumn } from '../render/columns.ts';
import { shortDigest } from '../render/plan.ts';
import { shownLine } from '../render/shown.ts';
import { renderTable } from '../render/table.ts';
import { withHost } from '../with-host.ts';

function keyOf({ root, names, id }: Pin): string {
  return [root, names[0]?.name ?? '', id].join(' ');
}

/** `berth pins`: the pins that engines hold for roots, as each engine itself lists them. */
export function definePins(command: Command): void {
  withCommonOptions(
    command.description(
      'List every pin of berth in each engine, the root of each pin, and whether berth fetched the image, so that `berth prune` may remove it once nothing holds it.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth pins --engine podman')
    .action(async (options: CommonOptions) => {
      await withHost(options, async (host) => {
        const context = await host.context();
        const situation = await readSituation(context);
        const brought = broughtByBerth(situation);
        const pins = pinsIn(situation)
          .map((pin) => ({ ...pin, fetched: brought.has(placeOf(pin)) }))
          .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
        print(options.format, {
          json: () => ({
            apiVersion: 'berth/v1',
            kind: 'PinList',
            pins: pins.map(({ engine, root, id, platform, names, fetched, handle }) => ({
              engine,
              root,
              id,
              platform,
              names: names.map((name) => ({ ...name })),
              fetched,
              handle,
            })),
          }),
          table: (look) =>
            pins.length === 0
              ? ''
              : renderTable(
                  [
                    { header: 'ROOT', cut: 'right' },
                    engineColumn,
                    imageColumn,
                    idColumn,
                    { header: 'ONCE RELEASED' },
                  ],
                  pins.map(({ root, engine, names, id, fetched }) => [
                    root,
                    engine,
                    names.map(({ name }) => name).join(', '),
                    shortDigest(id),
                    fetched ? 'for prune' : 'stays',
                  ]),
                  look,
                ),
          refs: () => new Set(pins.flatMap((pin) => pin.names.map(({ name }) => name))),
        });
        if (pins.length === 0) {
          const engines = [...situation.engines.keys()].join(', ');
          process.stderr.write(shownLine(`Nothing is pinned on ${engines}.`));
        }
      });
    });
}
