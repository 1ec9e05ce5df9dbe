import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { formatBytes } from '../../common/format-bytes.ts';
import {
  brokenDownloads,
  freedBy,
  type Pruned,
  type PruneEntry,
  prunable,
  prune,
} from '../../lifecycle/prune.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { CliError } from '../errors.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { lookOf, print } from '../output.ts';
import { idColumn, imageColumn } from '../render/columns.ts';
import { type Column } from '../render/fit.ts';
import { shortDigest } from '../render/plan.ts';
import { type Cell, type Look, renderTable } from '../render/table.ts';
import { withHost } from '../with-host.ts';

interface PruneFlags extends CommonOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** `berth prune`: remove images that berth fetched and no root needs any more, after showing them. */
export function definePrune(command: Command): void {
  withCommonOptions(
    command
      .description(
        'Remove the images that berth fetched for released roots, and into the embedded ' +
          'store for nobody (`berth pull`), and that no root, container or other name holds; and ' +
          'the parts of broken downloads. Shows them, and asks first.',
      )
      .option('-n, --dry-run', 'only show')
      .option('-f, --force', 'don’t ask'),
  )
    .addHelpText('after', '\nExamples:\n  berth prune --dry-run\n  berth prune --force')
    .action(async (flags: PruneFlags) => {
      await withHost(flags, async (host) => {
        const context = await host.context();
        const situation = await readSituation(context);
        const planned = prunable(situation);
        const removable = planned.filter(({ verdict }) => verdict.kind === 'removable');
        const kept = planned.filter(({ verdict }) => verdict.kind === 'kept');
        const freed = await freedBy(situation, removable);
        const broken = brokenDownloads(context);
        const shown = { removed: removable, kept, freed, broken };
        if (flags.dryRun === true) return show(flags, shown, true);
        if (removable.length + broken > 0 && flags.force !== true) {
          if (!(await confirm({ ...shown, kept: [] }))) return;
        }
        const done = await prune(context, planned);
        return show(flags, done, false);
      });
    });
}

/** Asks on standard error. No answer counts as no. */
async function confirm(shown: Pruned): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new CliError('usage', 'prune removes images, and there is no terminal to ask', {
      hint: 'look with `berth prune --dry-run`, then say --force',
    });
  }
  process.stderr.write(table(shown, true, lookOf('stderr', 'table')));
  // Not a terminal interface: Ctrl-C must stay a signal, and Ctrl-D must end the input.
  const streams = { input: process.stdin, output: process.stderr, terminal: false };
  const lines = createInterface(streams);
  const closed = once(lines, 'close').then(() => '');
  const answer = await Promise.race([lines.question('Remove them? [y/N] '), closed]);
  lines.close();
  const isYes = /^y(es)?$/i.test(answer.trim());
  if (!isYes) process.stderr.write('Nothing was removed.\n');
  return isYes;
}

function show({ format }: PruneFlags, pruned: Pruned, dryRun: boolean): void {
  const { removed, kept, freed, broken } = pruned;
  print(format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'PruneResult',
      removed: removed.map(entry),
      kept: kept.map(entry),
      freed,
      broken,
      dryRun,
    }),
    table: (look) => table(pruned, dryRun, look),
    refs: () => removed.flatMap(({ names }) => names),
  });
  if (removed.length + kept.length + broken === 0) process.stderr.write('Nothing to prune.\n');
}

function entry({ id, names, size, verdict }: PruneEntry) {
  return {
    id,
    names: [...names],
    size,
    ...(verdict.kind === 'kept' ? { keptBy: verdict.by } : {}),
  };
}

const PRUNED: readonly Column[] = [
  imageColumn,
  idColumn,
  { header: 'ON DISK' },
  { header: 'VERDICT', always: true, cut: 'right' },
];

function table({ removed, kept, freed, broken }: Pruned, dryRun: boolean, look: Look): string {
  const parts =
    broken === 0
      ? ''
      : `Parts of downloads that broke, ${formatBytes(broken)}, ${dryRun ? 'would be' : 'were'} removed.\n`;
  if (removed.length + kept.length === 0) return parts;
  const row = ({ id, names, size, verdict, movedFor }: PruneEntry): Cell[] => {
    const removal = dryRun ? 'would be removed' : 'removed';
    const other = movedFor === undefined ? '' : `: the name means another image for ${movedFor}`;
    return [
      names.join(', '),
      shortDigest(id),
      formatBytes(size),
      verdict.kind === 'kept'
        ? `kept: held by ${verdict.by}`
        : { text: removal + other, colour: 'yellow' },
    ];
  };
  const rows = renderTable(PRUNED, [...removed, ...kept].map(row), look);
  if (removed.length === 0) return rows + parts;
  const most = `${dryRun ? 'Would free' : 'Freed'} ${formatBytes(freed)} at most: layers that other images have stay.`;
  return `${rows}\n${most}\n${parts}`;
}
