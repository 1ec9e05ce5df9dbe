import type { Command } from 'commander';
import { formatBytes } from '../../common/format-bytes.ts';
import { findingEntry } from '../../documents/entries.ts';
import { enginesFields } from '../../documents/plan.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { type RootStatus, statusOf } from '../../lifecycle/status.ts';
import { type Held } from '../../state/gate-file.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { shortDigest } from '../render/plan.ts';
import { printFailures } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { type Cell, renderTable } from '../render/table.ts';
import { withHost } from '../with-host.ts';

/** `berth status`: every staged root with its images. */
export function defineStatus(command: Command): void {
  withCommonOptions(
    command.description(
      'Show every staged root, its images, and whether each is present and pinned.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth status\n  berth status --format json | jq .roots[].state',
    )
    .action(async (options: CommonOptions) => {
      await withHost(options, async (host) => {
        const context = await host.context();
        const situation = await readSituation(context);
        const living = await host.deployments.all();
        const roots = statusOf(situation, living);
        const engines = await Promise.all(
          [...situation.engines.values()].map(({ engine }) => engine.info()),
        );
        const names = engines.map(({ name }) => name).join(', ');
        const held = context.state.gate.read();
        print(options.format, {
          json: () => ({
            apiVersion: 'berth/v1',
            kind: 'Status',
            ...enginesFields(engines),
            ...(held === undefined ? {} : { held: heldEntry(held) }),
            roots: roots.map((root) => ({
              ...root,
              engine: root.engines[0] ?? engines[0]?.name ?? 'store',
              engines: [...root.engines],
              images: root.images.map((image) => ({ ...image })),
              drifted: [...root.drifted],
              findings: root.findings.map(findingEntry),
            })),
          }),
          table: () => table(roots),
          refs: () => new Set(roots.flatMap((root) => root.images.map(({ name }) => name))),
        });
        if (options.format === 'table') {
          for (const { id, findings } of roots.filter(({ state }) => state === 'not ready')) {
            const [first] = findings;
            process.stderr.write(shownLine(`${id} is not ready: ${first?.message ?? ''}`));
            process.stderr.write(shownLine(`  → \`berth verify ${id}\` says all`));
          }
        }
        if (held !== undefined && options.format === 'table') printHeld(held);
        printFailures(living.failures.map((error) => ({ name: 'updater', error })));
        if (roots.length === 0) process.stderr.write(shownLine(`Nothing is staged on ${names}.`));
      });
    });
}

function heldEntry({ root, since, time, reasons }: Held) {
  return { root, since, time, reasons: [...reasons] };
}

/**
 * Tells that the gate held a root back. The user is told here, because nobody looks at a terminal during a
 * shutdown.
 */
function printHeld({ root, time, since, reasons }: Held): void {
  const { stderr } = process;
  const when = `at ${time} (the host since ${since})`;
  stderr.write(shownLine(`${root} was held back ${when}, and is not what runs:`));
  for (const reason of reasons.slice(0, 5)) stderr.write(shownLine(`  ${reason}`));
  if (reasons.length > 5) stderr.write(`  and ${reasons.length - 5} more\n`);
  stderr.write('  → queue it again: what is missing is fetched then\n');
}

function table(roots: readonly RootStatus[]): string {
  const rows = roots.flatMap((root) => {
    const { id, role = '-', drifted } = root;
    const head: Cell[] = [id, role, stateCell(root.state)];
    if (root.images.length === 0) return [[...head, '', '', '', '', '']];
    return root.images.map(({ engine, name, digest, size, state }, index): Cell[] => [
      ...(index === 0 ? head : ['', '', '']),
      engine,
      name,
      shortDigest(digest),
      formatBytes(size),
      drifted.includes(name) ? { text: `${state}, drifted`, colour: 'yellow' } : stateCell(state),
    ]);
  });
  if (rows.length === 0) return '';
  const header = ['ROOT', 'ROLE', 'STATE', 'ENGINE', 'IMAGE', 'DIGEST', 'ON DISK', ''];
  return renderTable(header, rows, process.stdout);
}

function stateCell(state: string): Cell {
  return {
    text: state,
    colour: ['ready', 'pins', 'provided', 'waiting'].includes(state) ? 'green' : 'red',
  };
}
