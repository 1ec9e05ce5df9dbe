import type { Command } from 'commander';
import { counted } from '../../common/counted.ts';
import { findingEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { idOfTarget } from '../../host/root.ts';
import { readSituation, type Situation } from '../../lifecycle/situation.ts';
import { type Finding, judge, judgeAbsent } from '../../lifecycle/verify.ts';
import { isLiving } from '../../state/record.ts';
import { isManual } from '../../state/root-id.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodes } from '../render/failure.ts';
import { printFindings } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { answeringYesOrNo, withHost } from '../with-host.ts';

/** `berth verify`: compare the record of a root with the engine. Needs no registry. */
export function defineVerify(command: Command): void {
  withCommonOptions(
    command.description(
      'Compare the record of ROOT (a path or an id) with the images and pins of the engine. ' +
        'Exit code: 0 if the root is ready, 3 if not. Needs no network.',
    ),
  )
    .addHelpText('after', '\nExamples:\n  berth verify ./rootfs\n  berth verify next && reboot')
    .action((target: string | undefined, options: CommonOptions) =>
      answeringYesOrNo(() => withHost(options, (host) => run(host, target, options))),
    );
}

async function run(host: Host, target: string | undefined, options: CommonOptions): Promise<void> {
  const context = await host.context();
  const situation = await readSituation(context);
  const id = await idOfTarget(host, target, situation.records);
  const record = situation.records.get(id);
  const findings =
    record === undefined
      ? withKnown(judgeAbsent(id, situation), id, situation)
      : judge(record, situation);
  const ready = findings.length === 0;
  const images = record?.staged?.images ?? [];
  print(options.format, {
    json: () => ({
      apiVersion: 'berth/v1',
      kind: 'Verification',
      root: id,
      ready,
      findings: findings.map(findingEntry),
    }),
    table: () =>
      ready
        ? shownLine(
            `${id} is ready: ${counted(images.length, 'image')} present and pinned on ${context.engine.id}.`,
          )
        : shownLine(`${id} is NOT ready.`),
    refs: () => images.flatMap((image) => image.names.map(({ name }) => name)),
  });
  if (options.format !== 'json') printFindings(findings);
  process.exitCode = ready ? 0 : exitCodes['not-ready'];
}

/** Lists the known ids: the given one may be mistyped, or the tree be staged under another id. */
function withKnown(
  findings: readonly Finding[],
  id: string,
  { records, elsewhere }: Situation,
): readonly Finding[] {
  const known = [...records.values()]
    .filter((record) => isLiving(record) && !isManual(record.id))
    .map((record) => record.id);
  if (elsewhere.has(id) || known.length === 0) return findings;
  const others = `; the roots that are staged here are ${known.join(', ')}`;
  return findings.map((finding) => ({ ...finding, hint: `${finding.hint}${others}` }));
}
