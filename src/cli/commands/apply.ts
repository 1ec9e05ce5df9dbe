import { type Command, InvalidArgumentError } from 'commander';
import type { NameFailure } from '../../common/limited.ts';
import { failureEntry, findingEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { plannerOf } from '../../host/planner.ts';
import { apply, planApply, previewApply } from '../../lifecycle/apply/apply.ts';
import type { AppliedService } from '../../lifecycle/apply/look.ts';
import type { Plan } from '../../lifecycle/plan/plan.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { failuresOf } from '../../lifecycle/stage/stage.ts';
import type { Finding } from '../../lifecycle/verify.ts';
import { systemctl } from '../../systemctl/systemctl.ts';
import { suitDownloads } from '../heap.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { imageColumn } from '../render/columns.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { type Column } from '../render/fit.ts';
import { printFailures, printFindings } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { type Cell, type Look, renderTable } from '../render/table.ts';
import { reading, withHost } from '../with-host.ts';

interface ApplyOptions extends RootOptions {
  readonly dryRun?: boolean;
  readonly watch: number;
}

/** `berth apply`: restart the services that changed, without a reboot. */
export function defineApply(command: Command): void {
  withRootOptions(
    command
      .description(
        'Fetch and pin the images of the running root, with tags resolved again, then\n' +
          'restart the services whose image or unit changed, each after its requirements.\n' +
          'A service that does not come up goes back to its previous image.\n' +
          'Can be stopped at any moment and run again.',
      )
      .option('--dry-run', 'change nothing; show which services would be restarted (`pending`)')
      .option(
        '--watch <seconds>',
        'how long a service must stay up that has no health check and does not say that it is ready',
        seconds,
        30,
      ),
  )
    .addHelpText('after', '\nExamples:\n  berth apply --dry-run\n  berth apply\n  berth apply /')
    .action((spec: string | undefined, options: ApplyOptions) =>
      withHost(options, (host) => run(host, spec, options)),
    );
}

async function run(host: Host, spec: string | undefined, options: ApplyOptions): Promise<void> {
  const { user, environment } = host;
  await reading(host, spec, async (root, called) => {
    const context = await host.context();
    const { bind, id } = options;
    const planner = await plannerOf(host, context, root, { called, bind, id, planAs: planApply });
    suitDownloads();
    const manager = systemctl({ user, environment });
    if (options.dryRun === true) {
      const situation = await readSituation(context, planner.looked);
      const plan = await planner.plan(situation);
      const outcome = await previewApply(context, manager, plan, situation);
      const failures = failuresIn(plan);
      const shown = { root: plan.root.id, user, dryRun: true, ...outcome, findings: [], failures };
      report(shown, options);
      return;
    }
    const watch = { seconds: options.watch };
    const applied = await apply(context, manager, planner, watch);
    const { staged, services, idle } = applied;
    const { plan, findings } = staged;
    const failures = failuresOf(staged);
    report(
      { root: plan.root.id, user, dryRun: false, services, idle, findings, failures },
      options,
    );
  });
}

interface Report {
  readonly root: string;
  /** Whether the services are the calling user's. */
  readonly user: boolean;
  readonly dryRun: boolean;
  readonly services: readonly AppliedService[];
  readonly idle: readonly string[];
  readonly findings: readonly Finding[];
  readonly failures: readonly NameFailure[];
}

function report(
  { root, user, dryRun, services, idle, findings, failures }: Report,
  options: ApplyOptions,
): void {
  print(options.format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'ApplyResult',
      root,
      dryRun,
      services: services.map(entryOf),
      idle: [...idle],
      findings: findings.map(findingEntry),
      failures: failures.map(failureEntry),
    }),
    table: (look) => table(services, look),
    refs: () => refsOf(services),
  });
  printFailures(failures);
  printFindings(findings);
  const manager = user ? ' --user' : '';
  for (const { unit, updated, message } of services) {
    if (message === undefined) continue;
    const verdict = updated === 'failed' ? 'FAILED' : 'was rolled back';
    process.stderr.write(shownLine(`${unit} ${verdict}: ${message}`));
    process.stderr.write(shownLine(`  → see journalctl${manager} -u ${unit}`));
  }
  for (const unit of idle) {
    process.stderr.write(shownLine(`${unit} is new, and not running`));
    process.stderr.write(shownLine(`  → start it: systemctl${manager} start ${unit}`));
  }
  const isBroken = services.some(({ message }) => message !== undefined);
  process.exitCode =
    exitCodeOf(failures.map(({ error }) => error)) ||
    (isBroken ? exitCodes.failed : 0) ||
    (findings.length === 0 ? 0 : exitCodes['not-ready']);
}

/** The failures that keep an apply from beginning. */
function failuresIn(plan: Plan): readonly NameFailure[] {
  const { root, lack, failures } = plan;
  if (lack === undefined) return failures;
  return [...failures, { name: root.id, error: lack }];
}

const colours = {
  true: 'green',
  false: 'dim',
  pending: 'yellow',
  'rolled back': 'red',
  failed: 'red',
} as const;

/** The columns are those of `podman auto-update`. */
const APPLIED: readonly Column[] = [
  { header: 'UNIT', always: true, cut: 'left' },
  { header: 'CONTAINER', cut: 'right' },
  imageColumn,
  { header: 'POLICY' },
  { header: 'UPDATED', always: true },
];

function table(services: readonly AppliedService[], look: Look): string {
  const rows = services.flatMap(({ unit, containers, updated }) => {
    const verdict = { text: updated, colour: colours[updated] };
    const none: readonly Cell[] = [unit, '', '', '', verdict];
    if (containers.length === 0) return [none];
    return containers.map(({ id, name, image, policy }): readonly Cell[] => [
      unit,
      `${id.slice(0, 12)} (${name})`,
      image,
      policy,
      verdict,
    ]);
  });
  return renderTable(APPLIED, rows, look);
}

function refsOf(services: readonly AppliedService[]): string[] {
  const images = services.flatMap(({ updated, containers }) =>
    updated === 'false' ? [] : containers.map(({ image }) => image),
  );
  return [...new Set(images)];
}

function entryOf({ unit, containers, updated, message }: AppliedService) {
  return {
    unit,
    containers: containers.map(({ id, name, image, imageId, policy }) => ({
      id,
      name,
      image,
      imageId,
      policy,
    })),
    updated,
    ...(message === undefined ? {} : { message }),
  };
}

function seconds(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected seconds, as 30.');
}
