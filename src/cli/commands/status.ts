import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import type { BerthError } from '../../common/errors.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import { findingEntry } from '../../documents/entries.ts';
import { enginesFields } from '../../documents/plan.ts';
import type { EngineInfo } from '../../engine/engine.ts';
import type { Host } from '../../host/host.ts';
import type { Context } from '../../lifecycle/context.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { type RootStatus, statusOf } from '../../lifecycle/status.ts';
import { type Held } from '../../state/gate-file.ts';
import { type CommonOptions, isTable, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { endWithReader } from '../reader-gone.ts';
import { digestColumn, engineColumn, imageColumn } from '../render/columns.ts';
import { type Column } from '../render/fit.ts';
import { shortDigest } from '../render/plan.ts';
import { printFailures } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { type Cell, type Look, renderTable } from '../render/table.ts';
import { mayBeTerminal, writeOut } from '../standard-streams.ts';
import { withHost } from '../with-host.ts';

interface StatusFlags extends CommonOptions {
  readonly watch?: boolean;
}

/** `berth status`: every staged root with its images. */
export function defineStatus(command: Command): void {
  withCommonOptions(
    command
      .description('Show every staged root, its images, and whether each is present and pinned.')
      .option('-w, --watch', 'show it again whenever something has changed, until Ctrl-C'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth status\n  berth status --watch\n  berth status --format json | jq .roots[].state',
    )
    .action((options: StatusFlags) =>
      withHost(options, async (host) => {
        const context = await host.context();
        if (options.watch !== true) return show(await look(host, context), options);
        return showChanges(() => look(host, context), options);
      }),
    );
}

/** What a host has staged at one moment. */
interface Looked {
  readonly roots: readonly RootStatus[];
  readonly engines: readonly EngineInfo[];
  readonly held: Held | undefined;
  readonly failures: readonly BerthError[];
}

async function look(host: Host, context: Context): Promise<Looked> {
  const situation = await readSituation(context);
  const { failures, ...living } = await host.deployments.anew();
  const engines = await Promise.all(
    [...situation.engines.values()].map(({ engine }) => engine.info()),
  );
  const held = context.state.gate.read();
  return { roots: statusOf(situation, { ...living, failures }), engines, held, failures };
}

/** How often engines are asked for changes, in milliseconds: often, as somebody watches the screen. */
const EVERY = 2000;

/** Shows what changes, until a signal ends berth, or nobody reads any more. A terminal is cleared before. */
async function showChanges(again: () => Promise<Looked>, options: StatusFlags): Promise<never> {
  const clear = mayBeTerminal(1) ? '\x1b[2J\x1b[H' : '';
  const readerMayStay = endWithReader();
  try {
    for (let before = ''; ; await setTimeout(EVERY)) {
      const looked = await again();
      const now = JSON.stringify(documentOf(looked));
      if (now === before) continue;
      before = now;
      writeOut(clear);
      show(looked, options);
    }
  } finally {
    readerMayStay();
  }
}

function show(looked: Looked, { format }: StatusFlags): void {
  const { roots, engines, held, failures } = looked;
  print(format, {
    json: () => documentOf(looked),
    table: (look) => table(roots, look),
    refs: () => new Set(roots.flatMap((root) => root.images.map(({ name }) => name))),
  });
  if (isTable(format)) {
    for (const { id, findings } of roots.filter(({ state }) => state === 'not ready')) {
      const [first, ...more] = findings;
      const hint = more.length === 0 ? first?.hint : `\`berth verify ${id}\` says all`;
      process.stderr.write(shownLine(`${id} is not ready: ${first?.message ?? ''}`));
      process.stderr.write(shownLine(`  → ${hint}`));
    }
    if (held !== undefined) printHeld(held);
  }
  printFailures(failures.map((error) => ({ name: 'updater', error })));
  const names = engines.map(({ name }) => name).join(', ');
  if (roots.length === 0) process.stderr.write(shownLine(`Nothing is staged on ${names}.`));
}

function documentOf({ roots, engines, held }: Looked) {
  return {
    apiVersion: 'berth/v1' as const,
    kind: 'Status' as const,
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
  };
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

const STATUS: readonly Column[] = [
  { header: 'ROOT', group: true, always: true, cut: 'right' },
  { header: 'ROLE', group: true },
  { header: 'STATE', group: true, always: true },
  engineColumn,
  imageColumn,
  digestColumn,
  { header: 'ON DISK' },
  { header: 'STATUS', always: true },
];

function table(roots: readonly RootStatus[], look: Look): string {
  const rows = roots.flatMap((root) => {
    const { id, role = '-', drifted } = root;
    const head: Cell[] = [id, role, stateCell(root.state)];
    if (root.images.length === 0) return [[...head, '', '', '', '', '']];
    return root.images.map(({ engine, name, digest, size, state }): Cell[] => [
      ...head,
      engine,
      name,
      shortDigest(digest),
      formatBytes(size),
      drifted.includes(name) ? { text: `${state}, drifted`, colour: 'yellow' } : stateCell(state),
    ]);
  });
  if (rows.length === 0) return '';
  return renderTable(STATUS, rows, look);
}

function stateCell(state: string): Cell {
  return {
    text: state,
    colour: ['ready', 'pins', 'provided', 'waiting'].includes(state) ? 'green' : 'red',
  };
}
