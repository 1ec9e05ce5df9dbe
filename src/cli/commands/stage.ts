import type { Command } from 'commander';
import { counted } from '../../common/counted.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import { failureEntry, findingEntry } from '../../documents/entries.ts';
import { planFields } from '../../documents/plan.ts';
import type { Host } from '../../host/host.ts';
import { plannerOf } from '../../host/planner.ts';
import { openTarget } from '../../host/target.ts';
import type { Plan } from '../../lifecycle/plan/plan.ts';
import type { PlannedImage } from '../../lifecycle/plan/planned-image.ts';
import { failuresOf, type Staged, stage } from '../../lifecycle/stage/stage.ts';
import { suitDownloads } from '../heap.ts';
import { type RateOptions, type RootOptions, withLimitRate, withRootOptions } from '../options.ts';
import { print } from '../output.ts';
import {
  digestColumn,
  engineColumn,
  imageColumn,
  remarkColumn,
  sizeColumn,
  stateColumn,
} from '../render/columns.ts';
import { exitCodeOf, exitCodes } from '../render/failure.ts';
import { deferralOf, providedBy, refsOf, shortDigest } from '../render/plan.ts';
import { printFailures, printFindings, printProblems } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { type Cell, type Look, renderTable } from '../render/table.ts';
import { reading, withHost } from '../with-host.ts';

interface StageOptions extends RootOptions, RateOptions {
  readonly into?: string;
  readonly downloadOnly?: boolean;
}

/** `berth stage`: fetch, pin, verify, record. */
export function defineStage(command: Command): void {
  withRootOptions(
    withLimitRate(command)
      .description(
        'Resolve, check the space, fetch, pin, verify and record every bound image of ROOT. ' +
          'Can be stopped at any time and run again: fetched data stays.',
      )
      .option(
        '--into <dir>',
        'for the first boot of the OS that is mounted in this directory, into its /var',
      )
      .option(
        '--download-only',
        'bring what the engines lack into berth’s own store, for a later `berth stage` without a network',
      ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  berth stage ./rootfs\n  berth stage --download-only ./rootfs\n  berth stage --engine store --bind all --id next --limit-rate 2MB ./rootfs\n  berth stage /mnt --into /mnt',
    )
    .action((spec: string | undefined, options: StageOptions) =>
      withHost(options, (host) => run(host, spec, options), { remembersNames: true }),
    );
}

async function run(host: Host, spec: string | undefined, options: StageOptions): Promise<void> {
  const { bind, id, into } = options;
  await reading(host, spec ?? into, async (root, called) => {
    const target = into === undefined ? undefined : openTarget(into, root.location, host.options);
    const context = await (target === undefined ? host.context() : host.contextIn(target));
    const planner = await plannerOf(host, context, root, { called, bind, id, target });
    suitDownloads();
    report(await stage(context, planner), options);
  });
}

function report(result: Staged, options: StageOptions): void {
  const failures = failuresOf(result);
  const ready = failures.length === 0 && result.findings.length === 0;
  print(options.format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'StageResult',
      ...planFields(result.plan),
      failures: failures.map(failureEntry),
      ready,
      findings: result.findings.map(findingEntry),
    }),
    table: (look) => table(result, ready, look),
    refs: () => refsOf(result.plan),
  });
  printFailures(failures);
  // A stage that ended early has no findings: its problems are shown, so that all can be fixed at once.
  const isWhole = failures.length === 0;
  if (options.format !== 'json' && !isWhole) printProblems(result.plan.problems);
  printFindings(result.findings);
  process.exitCode =
    exitCodeOf(failures.map(({ error }) => error)) || (ready ? 0 : exitCodes['not-ready']);
}

const STAGED = [imageColumn, engineColumn, digestColumn, sizeColumn, stateColumn, remarkColumn];

function table(result: Staged, ready: boolean, look: Look): string {
  const { plan, findings } = result;
  const failed = new Set(result.failures.map(({ image }) => image));
  const failures = failuresOf(result).length;
  const fetched = plan.images.flatMap((image) =>
    image.names.map(({ name, digest }): Cell[] => [
      name,
      image.engine,
      shortDigest(digest),
      formatBytes(image.size),
      stateOf(image, failed.has(image)),
      deferralOf(name, plan.deferred),
    ]),
  );
  const [first] = plan.engines;
  const provided = plan.provided.map((entry): Cell[] => [
    entry.name,
    entry.engine ?? first?.name ?? '',
    shortDigest(entry.digest),
    '',
    { text: 'provided', colour: 'green' },
    providedBy(entry),
  ]);
  const rows = [...fetched, ...provided];
  const { drops } = plan;
  if (rows.length + findings.length + failures + drops.length === 0) return '';
  const listed = rows.length === 0 ? '' : `${renderTable(STAGED, rows, look)}\n`;
  const { length } = plan.images;
  const outcome =
    failures > 0
      ? `${failures} of ${counted(length + plan.failures.length, 'image')} failed`
      : `${counted(length, 'image')}, ${formatBytes(plan.bytes)} fetched`;
  const dropped = drops.length === 0 || !ready ? '' : `; ${counted(drops.length, 'pin')} dropped`;
  const lent = provided.length === 0 ? '' : `; ${counted(provided.length, 'image')} provided`;
  const said = `${plan.root.id} ${verdictOn(plan, ready)}: ${outcome}${lent}${dropped}${waitingIn(plan, failed)}.`;
  return listed + shownLine(said) + advisoryText(plan);
}

/** A line for each engine whose pins keep an image only from the clean-up of others. */
function advisoryText({ engines, images }: Plan): string {
  const used = new Set(images.map(({ engine }) => engine));
  return engines
    .filter(({ name, pins }) => pins === 'advisory' && used.has(name))
    .map(({ name }) =>
      shownLine(`${name} pins against clean-ups alone: a removal by name or id takes an image.`),
    )
    .join('');
}

/** `; 2 images wait downloaded: 1 for podman:eve, 1 for docker`. */
function waitingIn({ images }: Plan, failed: ReadonlySet<PlannedImage>): string {
  const waiting = images.filter((image) => image.waits && !failed.has(image));
  if (waiting.length === 0) return '';
  const byEngine = [...Map.groupBy(waiting, ({ engine }) => engine)];
  const counts = byEngine.map(([engine, own]) => `${own.length} for ${engine}`).join(', ');
  const wait = waiting.length === 1 ? 'waits' : 'wait';
  return `; ${counted(waiting.length, 'image')} ${wait} downloaded: ${counts}`;
}

function stateOf({ way, waits }: PlannedImage, isFailed: boolean): Cell {
  if (isFailed) return { text: 'failed', colour: 'red' };
  if (waits) return { text: 'waits', colour: 'yellow' };
  return { text: way === 'download' ? 'downloaded' : 'pinned', colour: 'green' };
}

function verdictOn({ images, engines }: Plan, ready: boolean): string {
  const names = engines.map(({ name }) => name).join(', ');
  const isOnlyDownloaded = images.some(({ way, waits }) => way === 'download' && !waits);
  // With several engines the root may be ready on some: the findings tell them apart.
  const on = engines.length === 1 ? ` on ${names}` : '';
  if (!ready) return `is NOT ${isOnlyDownloaded ? 'downloaded' : 'ready'}${on}`;
  if (!isOnlyDownloaded) return `is ready on ${names}`;
  return `is downloaded, and \`berth stage\` needs no network to unpack it into ${names}`;
}
