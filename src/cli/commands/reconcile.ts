import type { Command } from 'commander';
import type { BerthError } from '../../common/errors.ts';
import { findingEntry } from '../../documents/entries.ts';
import { deploymentsOf } from '../../host/deployments.ts';
import { keepingQuiet } from '../../lifecycle/quiet-hours.ts';
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
import { printFailures, printFindings } from '../render/problems.ts';
import { renderTable } from '../render/table.ts';
import { hostConfig, inSurroundings, type Surroundings } from '../surroundings.ts';

/** `berth reconcile`: stage the living, release the gone. */
export function defineReconcile(command: Command): void {
  withCommonOptions(
    withLimitRate(command).description(
      'Stage every root that an updater has (bootc, ostree, the directories in ' +
        'berth.toml), and release those that are gone. A root that is staged keeps the ' +
        'digests on its record. Run again it does nothing.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth reconcile\n  berth reconcile --format json | jq .roots[].ready',
    )
    .action(async (options: CommonOptions & RateOptions) => {
      const config = await hostConfig(options);
      const run = async (given: Surroundings) => {
        const { quietHours } = config;
        const surroundings =
          quietHours === undefined
            ? given
            : { ...given, engine: keepingQuiet(given.engine, quietHours) };
        const { found, result } = await untilSettled(
          () => deploymentsOf(options),
          (deployments) =>
            reconcile(surroundings, surroundings.registry, deployments, {
              compose: surroundings.compose,
              heldDays: config.heldDays,
            }),
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
          table: () => table(result),
          refs: () => result.roots.map(({ id }) => id),
        });
        for (const { id, failures, findings } of result.roots.filter(isLiving)) {
          printFailures(
            failures.map(({ image, error }) =>
              image === undefined ? { name: id, error } : { root: id, name: image, error },
            ),
          );
          printFindings(findings);
        }
        printFailures(result.failures.map((error) => ({ name: 'updater', error })));
        if (found.deployments.length === 0 && found.failures.length === 0) {
          process.stderr.write(
            'No updater was found: neither bootc nor ostree, and berth.toml lists no [directories].\n',
          );
        }
        process.exitCode = exitCode(result);
      };
      await inSurroundings(options, run, { obeysRetryTimes: true });
    });
}

function isChanged({ roots, released }: Reconciled): boolean {
  return released.length > 0 || roots.some(({ changed }) => changed);
}

function exitCode({ roots, failures }: Reconciled): number {
  const all = [...failures, ...roots.flatMap(({ failures }) => failures.map(({ error }) => error))];
  const notReady = roots.filter(isLiving).some(({ ready }) => !ready);
  return exitCodeOf(all) || (notReady ? exitCodes['not-ready'] : 0);
}

function table(result: Reconciled): string {
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
  return `${renderTable(['ROOT', 'ROLE', 'IMAGES', 'STATE'], rows, process.stdout)}${end}`;
}

/** What a held root lacks can't be fetched any more, and nobody boots it as it is. */
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
