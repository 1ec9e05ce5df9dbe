import type { Command } from 'commander';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { shortDigest } from '../render/plan.ts';
import { renderTable } from '../render/table.ts';
import { inSurroundings } from '../surroundings.ts';

/** `berth pins`: what the engine holds for roots, as the engine itself tells. */
export function definePins(command: Command): void {
  withCommonOptions(
    command.description(
      'List every pin of berth in the engine: for which root, and whether berth fetched the image.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth pins --engine podman')
    .action(async (options: CommonOptions) => {
      await inSurroundings(options, async ({ engine }) => {
        const pins = (await engine.pins()).toSorted((a, b) => (a.root < b.root ? -1 : 1));
        print(options.format, {
          json: () => ({
            apiVersion: 'berth/v1',
            kind: 'PinList',
            pins: pins.map(({ root, id, platform, names, fetched, handle }) => ({
              root,
              id,
              platform,
              names: names.map((name) => ({ ...name })),
              fetched,
              handle,
            })),
          }),
          table: () =>
            pins.length === 0
              ? ''
              : renderTable(
                  ['ROOT', 'IMAGE', 'ID', 'PRUNE MAY TAKE IT'],
                  pins.map(({ root, names, id, fetched }) => [
                    root,
                    names.map(({ name }) => name).join(', '),
                    shortDigest(id),
                    fetched ? 'yes' : 'no',
                  ]),
                  process.stdout,
                ),
          refs: () => new Set(pins.flatMap((pin) => pin.names.map(({ name }) => name))),
        });
        if (pins.length === 0) process.stderr.write(`Nothing is pinned on ${engine.name}.\n`);
      });
    });
}
