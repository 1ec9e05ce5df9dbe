import type { Command } from 'commander';
import type { BerthError } from '../../errors.ts';
import { type Reconciled, type ReconciledRoot, reconcile } from '../../lifecycle/reconcile.ts';
import { deploymentsOf } from '../deployments.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { findingEntry, printFailures, printFindings } from '../render/problems.ts';
import { renderTable } from '../render/table.ts';
import { hostConfig, inSurroundings } from '../surroundings.ts';

/** `berth reconcile`: stage the living, release the gone. */
export function defineReconcile(command: Command): void {
  withCommonOptions(
    command.description(
      'Stage every root that an updater has (bootc, ostree, the directories in berth.toml), and\n' +
        'release those that are gone. A root that is staged keeps the digests on its record.\n' +
        'Run again it does nothing.',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth reconcile\n  berth reconcile --format json | jq .roots[].ready',
    )
    .action(async (options: CommonOptions) => {
      const config = await hostConfig(options);
      const found = await deploymentsOf(options);
      await inSurroundings(options, async (surroundings) => {
        const result = await reconcile(surroundings, surroundings.registry, found, {
          compose: surroundings.compose,
          heldDays: config.heldDays,
        });
        print(options.format, {
          json: () => ({
            apiVersion: 'berth/v1',
            kind: 'ReconcileResult',
            changed: isChanged(result),
            roots: result.roots.map((root) => ({
              ...root,
              findings: root.findings.map(findingEntry),
              failures: root.failures.map(failureEntry),
            })),
            released: result.released.map(({ id: root, pins, images }) => ({ root, pins, images })),
            failures: result.failures.map(failureEntry),
          }),
          table: () => table(result),
          refs: () => result.roots.map(({ id }) => id),
        });
        for (const { id, failures, findings } of result.roots) {
          printFailures(failures.map((failure) => ({ name: id, ...failureEntry(failure) })));
          printFindings(findings);
        }
        printFailures(result.failures.map((f) => ({ name: 'updater', ...failureEntry(f) })));
        if (found.deployments.length === 0 && found.failures.length === 0) {
          process.stderr.write(
            'No updater was found: neither bootc nor ostree, and berth.toml lists no [directories].\n',
          );
        }
        process.exitCode = exitCode(result);
      });
    });
}

function isChanged({ roots, released }: Reconciled): boolean {
  return released.length > 0 || roots.some(({ changed }) => changed);
}

function exitCode({ roots, failures }: Reconciled): number {
  const all = [...failures, ...roots.flatMap((root) => root.failures)];
  const notReady = roots.some(({ ready }) => !ready);
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
  const end = isChanged(result) ? '' : '\nNothing had to be done.\n';
  return `${renderTable(['ROOT', 'ROLE', 'IMAGES', 'STATE'], rows, process.stdout)}${end}`;
}

function stateOf({ role, ready, changed, failures }: ReconciledRoot): string {
  if (role === 'held') return 'held';
  if (failures.length > 0) return 'failed';
  if (!ready) return 'not ready';
  return changed ? 'ready, staged now' : 'ready';
}

function failureEntry({ code, message, hint }: BerthError) {
  return { code, message, hint };
}
