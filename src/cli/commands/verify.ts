import type { Command } from 'commander';
import { counted } from '../../common/counted.ts';
import { findingEntry } from '../../documents/entries.ts';
import type { Host } from '../../host/host.ts';
import { idOfTarget, refuseNoTree } from '../../host/root.ts';
import { type EngineSituation, readSituation, type Situation } from '../../lifecycle/situation.ts';
import { type Finding, judge, judgeNone } from '../../lifecycle/verify.ts';
import { isLiving, type RecordImage } from '../../state/record.ts';
import { isManual } from '../../state/root-id.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { print } from '../output.ts';
import { exitCodes } from '../render/failure.ts';
import { printFindings } from '../render/problems.ts';
import { shownLine } from '../render/shown.ts';
import { answeringYesOrNo, withHost } from '../with-host.ts';

/** `berth verify`: compare the record of a root with its engines. Needs no registry. */
export function defineVerify(command: Command): void {
  withCommonOptions(
    command.description(
      'Compare the record of ROOT (a path or an id) with the images and pins of its engines. ' +
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
  const { byId } = context.state.records();
  refuseNoTree(target, byId);
  const id = await idOfTarget(host, target, byId);
  const situation = await readSituation(context, { root: id });
  const record = situation.records.get(id);
  const findings =
    record === undefined ? withKnown(judgeNone(), situation) : judge(record, situation);
  const ready = findings.length === 0;
  const { images = [], provided = [] } = record?.staged ?? {};
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
        ? shownLine(`${id} is ready: ${standingOf(images, provided.length, situation)}.`)
        : shownLine(`${id} is NOT ready.`),
    refs: () => images.flatMap((image) => image.names.map(({ name }) => name)),
  });
  if (options.format !== 'json') printFindings(findings);
  process.exitCode = ready ? 0 : exitCodes['not-ready'];
}

/** Where the images are: `2 images present and pinned on podman, 1 image downloaded, which podman:eve takes at the boot`. */
function standingOf(
  images: readonly RecordImage[],
  provided: number,
  { engines }: Situation,
): string {
  const all = [...Map.groupBy(images, ({ engine }) => engine)].flatMap(([id, own]) => {
    const on = engines.get(id);
    if (on === undefined) return [];
    const waiting = own.filter((image) => !on.images.has(image.id)).length;
    const present = own.length - waiting;
    return [
      ...(present === 0 ? [] : [`${counted(present, 'image')} present and ${pinnedOn(on.engine)}`]),
      ...(waiting === 0
        ? []
        : [`${counted(waiting, 'image')} downloaded, which ${id} takes at the boot`]),
    ];
  });
  if (provided > 0) all.push(`${counted(provided, 'image')} provided by an archive or a store`);
  if (all.length > 0) return all.join(', ');
  return `it needs no images on ${[...engines.keys()].join(', ')}`;
}

function pinnedOn({ id, traits }: EngineSituation['engine']): string {
  return traits.pins === 'firm' ? `pinned on ${id}` : `pinned on ${id} against clean-ups alone`;
}

/** Lists the known ids: the given one may be mistyped, or the tree may be staged under another id. */
function withKnown(findings: readonly Finding[], { records }: Situation): readonly Finding[] {
  const known = [...records.values()]
    .filter((record) => isLiving(record) && !isManual(record.id))
    .map((record) => record.id);
  if (known.length === 0) return findings;
  const others = `; the roots that are staged here are ${known.join(', ')}`;
  return findings.map((finding) => ({ ...finding, hint: `${finding.hint}${others}` }));
}
