import { type Command, InvalidArgumentError } from 'commander';
import type { NameFailure } from '../../common/limited.ts';
import { failureEntry, findingEntry } from '../../documents/entries.ts';
import { isUser } from '../../host/config.ts';
import { plannerOf } from '../../host/planner.ts';
import { withRoot } from '../../host/root.ts';
import { apply, planApply, previewApply } from '../../lifecycle/apply/apply.ts';
import type { AppliedService } from '../../lifecycle/apply/look.ts';
import type { Plan } from '../../lifecycle/plan/plan.ts';
import { readSituation } from '../../lifecycle/situation.ts';
import { failuresOf } from '../../lifecycle/stage/stage.ts';
import type { Finding } from '../../lifecycle/verify.ts';
import { systemctl } from '../../systemctl/systemctl.ts';
import { type RootOptions, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { printFailures, printFindings } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { type Cell, renderTable } from '../render/table.ts';
import { inSurroundings } from '../surroundings.ts';

interface ApplyOptions extends RootOptions {
  readonly dryRun?: boolean;
  readonly watch: number;
}

/** `berth apply`: restart, without a reboot, what changed. */
export function defineApply(command: Command): void {
  withRootOptions(
    command
      .description(
        'Fetch and pin what the root that runs names by now, its tags resolved anew, then\n' +
          'restart the services whose image or unit changed, each when what it needs is up.\n' +
          'A service that does not come up goes back to the image that it ran before.\n' +
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
    .action(async (spec: string | undefined, options: ApplyOptions) => {
      await withRoot(
        spec,
        (root, deployment) =>
          inSurroundings(options, async (surroundings) => {
            const planner = await plannerOf(
              surroundings,
              root,
              options,
              deployment,
              undefined,
              planApply,
            );
            const manager = systemctl({ user: isUser(options) });
            if (options.dryRun === true) {
              const situation = await readSituation(surroundings);
              const plan = await planner.plan(situation);
              const outcome = await previewApply(surroundings, manager, plan, situation);
              const failures = failuresIn(plan);
              const { id } = plan.root;
              report({ root: id, dryRun: true, ...outcome, findings: [], failures }, options);
              return;
            }
            const watch = { seconds: options.watch };
            const { staged, services, idle } = await apply(
              surroundings,
              manager,
              planner.id,
              planner.plan,
              watch,
            );
            const { plan, findings } = staged;
            const failures = failuresOf(staged);
            const { id } = plan.root;
            report({ root: id, dryRun: false, services, idle, findings, failures }, options);
          }),
        options,
      );
    });
}

interface Report {
  readonly root: string;
  readonly dryRun: boolean;
  readonly services: readonly AppliedService[];
  readonly idle: readonly string[];
  readonly findings: readonly Finding[];
  readonly failures: readonly NameFailure[];
}

function report(
  { root, dryRun, services, idle, findings, failures }: Report,
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
    table: () => table(services),
    refs: () => refsOf(services),
  });
  printFailures(failures);
  printFindings(findings);
  const manager = isUser(options) ? ' --user' : '';
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

/** What keeps an apply from being begun. */
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

/** The columns of `podman auto-update`. */
function table(services: readonly AppliedService[]): string {
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
  return renderTable(['UNIT', 'CONTAINER', 'IMAGE', 'POLICY', 'UPDATED'], rows, process.stdout);
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
  throw new InvalidArgumentError('expected seconds, as 30');
}
