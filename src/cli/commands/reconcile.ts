import type { Command } from 'commander';
import type { BerthError } from '../../common/errors.ts';
import { findingEntry, unitsEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { endOfQuietHours, type QuietHours, quietEngines } from '../../lifecycle/quiet-hours.ts';
import { reconcile, untilSettled } from '../../lifecycle/reconcile.ts';
import { startAt } from '../../systemctl/start-at.ts';
import {
  type CommonOptions,
  type RateOptions,
  withCommonOptions,
  withLimitRate,
} from '../options.ts';
import { print } from '../output.ts';
import {
  exitCodeOfReconciled,
  isChanged,
  printReconciled,
  reconciledTable,
  waits,
} from '../render/reconciled.ts';
import { shownLine } from '../render/shown.ts';
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
  const begun = new Date();
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
        failures: root.failures.map(({ image, error, wantedBy }) => ({
          ...(image === undefined ? {} : { image }),
          ...errorEntry(error),
          ...unitsEntry(wantedBy),
        })),
      })),
      released: result.released.map(({ id: root, pins, images }) => ({ root, pins, images })),
      failures: result.failures.map(errorEntry),
    }),
    table: (look) => reconciledTable(result, look),
    refs: () => result.roots.map(({ id }) => id),
  });
  printReconciled(result);
  if (found.deployments.length === 0 && found.failures.length === 0) {
    process.stderr.write(
      'No updater was found: neither bootc nor ostree, and berth.toml lists no [directories].\n',
    );
  }
  if (quietHours !== undefined && result.roots.some(waits)) await comeBack(quietHours, begun);
  process.exitCode = exitCodeOfReconciled(result);
}

/**
 * Has systemd start the service of this process again when the quiet hours are over. The unit of the service names itself
 * in a variable: a person who runs the command by hand need not want another run.
 *
 * @param begun when this run began. The quiet hours may have ended since.
 */
async function comeBack(hours: QuietHours, begun: Date): Promise<void> {
  const unit = process.env['BERTH_AFTER_QUIET_HOURS'];
  if (unit === undefined) return;
  // systemd takes no timer for a time that has passed.
  const soonest = Date.now() + 60_000;
  const at = new Date(Math.max(endOfQuietHours(hours, begun).getTime(), soonest));
  const failure = await startAt(unit, at, process.env);
  if (failure === undefined) return;
  process.stderr.write(
    shownLine(`warning: ${unit} starts again only by its own timer: ${failure}`),
  );
}

function errorEntry({ code, message, hint }: BerthError) {
  return { code, message, hint };
}
