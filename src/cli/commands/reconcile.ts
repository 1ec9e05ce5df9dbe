import type { Command } from 'commander';
import type { BerthError } from '../../common/errors.ts';
import { findingEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { quietEngines } from '../../lifecycle/quiet-hours.ts';
import {
  type Reconciled,
  type ReconciledRoot,
  reconcile,
  untilSettled,
} from '../../lifecycle/reconcile.ts';
import {
  type CommonOptions,
  type RateOptions,
  withCommonOptions,
  withLimitRate,
} from '../options.ts';
import { print } from '../output.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { type Column } from '../render/fit.ts';
import { printFailures, printFindings } from '../render/problems.ts';
import { type Look, renderTable } from '../render/table.ts';
import { withHost } from '../with-host.ts';

/** `berth reconcile`: stage the roots that live, release those that are gone. */
export function defineReconcile(command: Command): void {
  withCommonOptions(
    withLimitRate(command).description(
      'Stage every root that an updater knows (bootc, ostree, the directories in ' +
        'berth.toml), and release roots that have gone. A staged root keeps the ' +
        'digests on its record. A second run does nothing.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth reconcile\n  berth reconcile --format json | jq .roots[].ready',
    )
    .action((options: CommonOptions & RateOptions) =>
      withHost(options, (host) => run(host, options), {
        obeysRetryTimes: true,
        remembersNames: true,
      }),
    );
}

async function run(host: Host, options: CommonOptions): Promise<void> {
  const { heldDays, quietHours } = await host.config();
  const opened = await host.context();
  const { registry, compose } = opened;
  const context =
    quietHours === undefined
      ? opened
      : { ...opened, engines: quietEngines(opened.engines, quietHours) };
  const { found, result } = await untilSettled(host.deployments.anew, (deployments) =>
    reconcile(context, registry, deployments, { compose, heldDays }),
  );
  print(options.format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'ReconcileResult',
      changed: isChanged(result),
      roots: result.roots.map((root) => ({
        ...root,
        findings: root.findings.map(findingEntry),
        failures: root.failures.map(({ image, error }) => ({
          ...(image === undefined ? {} : { image }),
          ...errorEntry(error),
        })),
      })),
      released: result.released.map(({ id: root, pins, images }) => ({ root, pins, images })),
      failures: result.failures.map(errorEntry),
    }),
    table: (look) => table(result, look),
    refs: () => result.roots.map(({ id }) => id),
  });
  printOutcome(result);
  if (found.deployments.length === 0 && found.failures.length === 0) {
    process.stderr.write(
      'No updater was found: neither bootc nor ostree, and berth.toml lists no [directories].\n',
    );
  }
  process.exitCode = exitCode(result);
}

function printOutcome({ roots, failures }: Reconciled): void {
  for (const { id, failures, findings } of roots.filter(isLiving)) {
    printFailures(
      failures.map(({ image, error }) =>
        image === undefined ? { name: id, error } : { root: id, name: image, error },
      ),
    );
    printFindings(findings);
  }
  printFailures(failures.map((error) => ({ name: 'updater', error })));
}

function isChanged({ roots, released }: Reconciled): boolean {
  return released.length > 0 || roots.some(({ changed }) => changed);
}

function exitCode({ roots, failures }: Reconciled): number {
  const all = [...failures, ...roots.flatMap(({ failures }) => failures.map(({ error }) => error))];
  const notReady = roots.filter(isLiving).some(({ ready }) => !ready);
  return exitCodeOf(all) || (notReady ? exitCodes['not-ready'] : 0);
}

const RECONCILED: readonly Column[] = [
  { header: 'ROOT', always: true, cut: 'right' },
  { header: 'ROLE' },
  { header: 'IMAGES' },
  { header: 'STATE', always: true },
];

function table(result: Reconciled, look: Look): string {
  const { roots, released } = result;
  const rows = [
    ...roots.map((root) => [
      root.id,
      root.role,
      String(root.images),
      { text: stateOf(root), colour: root.ready ? 'green' : 'red' } as const,
    ]),
    ...released.map(({ id }) => [id, 'gone', '', { text: 'released', colour: 'yellow' } as const]),
  ];
  if (rows.length === 0) return '';
  const isDone = !isChanged(result) && exitCode(result) === 0;
  const end = isDone ? '\nNothing had to be done.\n' : '';
  return `${renderTable(RECONCILED, rows, look)}${end}`;
}

/**
 * Whether the root lives. A held root does not: its tree is gone, so its missing images can't be fetched,
 * and nobody boots it.
 */
function isLiving({ role }: ReconciledRoot): boolean {
  return role !== 'held';
}

function stateOf({ role, ready, changed, failures }: ReconciledRoot): string {
  if (role === 'held') return 'held';
  if (failures.length > 0) return 'failed';
  if (!ready) return 'not ready';
  return changed ? 'ready, staged now' : 'ready';
}

function errorEntry({ code, message, hint }: BerthError) {
  return { code, message, hint };
}
