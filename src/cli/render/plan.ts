import { counted } from '../../common/counted.ts';
import { formatBytes } from '../../common/format-bytes.ts';
import type { EngineInfo } from '../../engine/engine.ts';
import { byDigest } from '../../image/name.ts';
import type { DeferredName } from '../../lifecycle/plan/deferred-names.ts';
import type { Plan } from '../../lifecycle/plan/plan.ts';
import type { PlannedImage } from '../../lifecycle/plan/planned-image.ts';
import type { Space } from '../../lifecycle/plan/space.ts';
import type { ProvidedFrom } from '../../lifecycle/why.ts';
import { digestColumn, engineColumn, imageColumn, remarkColumn, sizeColumn } from './columns.ts';
import { type Column } from './fit.ts';
import { shownLine } from './shown.ts';
import { type Cell, type Look, renderTable } from './table.ts';
import { wrapped } from './wrapped.ts';

const PLANNED: readonly Column[] = [
  imageColumn,
  engineColumn,
  digestColumn,
  sizeColumn,
  { header: 'ACTION', always: true },
  { header: 'LOCK' },
  remarkColumn,
];

/** A table of the images to fetch, their sources, and their names; then a summary. */
export function planTable(plan: Plan, look: Look): string {
  const rows = plan.images.flatMap((image) =>
    image.names.map(({ name, digest, locked }, index): Cell[] => [
      name,
      image.engine,
      shortDigest(digest),
      index === 0 ? formatBytes(image.size) : '',
      actionOf(image, index),
      locked ? 'locked' : '',
      deferralOf(name, plan.deferred),
    ]),
  );
  const [first] = plan.engines;
  const provided = plan.provided.map((entry): Cell[] => [
    entry.name,
    entry.engine ?? first?.name ?? '',
    shortDigest(entry.digest),
    '',
    { text: 'present', colour: 'green' },
    '',
    providedBy(entry),
  ]);
  const dropped = plan.drops.flatMap((image) =>
    image.names.map(({ name, digest }): Cell[] => [
      name,
      image.engine,
      shortDigest(digest),
      '',
      { text: 'unpin', colour: 'yellow' },
      '',
      'the earlier staging held it',
    ]),
  );
  const all = [...rows, ...provided, ...dropped];
  const table = all.length === 0 ? '' : `${renderTable(PLANNED, all, look)}\n`;
  const { engines, root } = plan;
  const unresolved =
    plan.failures.length === 0
      ? ''
      : `, and ${counted(plan.failures.length, 'name')} that can’t be staged`;
  const [only, ...more] = engines;
  const isSingle = only !== undefined && more.length === 0;
  const on = isSingle ? `${only.name} (${only.description})` : counted(engines.length, 'engine');
  const what = `${counted(plan.images.length, 'image')} for ${root.id} on ${on}${unresolved}`;
  // Nothing is known of images whose names nobody could resolve.
  const isUnknown = plan.images.length === 0 && plan.failures.length > 0;
  const figures = isUnknown ? [] : [networkText(plan), ...plan.space.map(spaceText)];
  const summary = [what, ...figures].map((sentence) => `${sentence}.`).join(' ');
  const perEngine = isSingle ? [] : engines.map((engine) => engineLine(engine, plan));
  const lines = [summary, ...perEngine].map(shownLine);
  return table + lines.map((line) => wrapped(line, look.width)).join('');
}

/** The place from which podman takes an image that berth need not fetch. */
export function providedBy({ directory, archive }: ProvidedFrom): string {
  return archive === undefined
    ? `in ${directory}, not berth's`
    : `podman takes it from ${archive.name}`;
}

/** `  docker: 2 images, which wait: REASON`. */
function engineLine({ name, description }: EngineInfo, { images }: Plan): string {
  const own = images.filter(({ engine }) => engine === name);
  const waits = own.length === 1 ? ', which waits' : ', which wait';
  const waiting = own.some((image) => image.waits) ? waits : '';
  return `  ${name}: ${counted(own.length, 'image')}${waiting}: ${description}`;
}

/** What comes over the network and which way: `1.2 GB come over the network, by way of berth's store`. */
function networkText(plan: Plan): string {
  const { bytes, inDepot } = plan;
  const here = inDepot === 0 ? '' : `; ${formatBytes(inDepot)} are in berth's store already`;
  if (bytes === 0) return `Nothing comes over the network${here}`;
  return `${formatBytes(bytes)} come over the network${wayText(plan)}${here}${sharing(plan)}`;
}

function wayText({ images, directIfNear }: Plan): string {
  const ways = new Set(images.filter(({ bytes }) => bytes > 0).map(({ way }) => way));
  if (ways.has('direct')) return ways.size > 1 ? ", in part by way of berth's store" : '';
  if (!ways.has('two-steps')) return ", into berth's store alone";
  const near = directIfNear === true ? ', or straight into the engine if the registry is near' : '';
  return `, by way of berth's store${near}`;
}

/** Why the images add up to more than the whole. */
function sharing({ images, bytes }: Plan): string {
  const each = images.reduce((sum, image) => sum + image.bytes, 0);
  const less = formatBytes(each - bytes);
  return each > bytes
    ? `; layers that images share come once, which is ${less} less than one by one`
    : '';
}

/** `About 3.6 GB stay on disk in DIR, and up to 5.0 GB are needed there meanwhile; 40 GB free`. */
function spaceText({ directory, needed, stays, estimated, free }: Space): string {
  const isFree = `${formatBytes(free)} free`;
  if (needed === 0) return `Nothing is written to ${directory}; ${isFree}`;
  const about = (bytes: number) => `${estimated ? 'about ' : ''}${formatBytes(bytes)}`;
  const meanwhile = `${about(needed)} are needed`;
  if (stays === 0) return `${capital(meanwhile)} in ${directory} meanwhile; ${isFree}`;
  const more = needed > stays ? `, where ${meanwhile} meanwhile` : '';
  return `${capital(about(stays))} stay on disk in ${directory}${more}; ${isFree}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The images by digest, so that another program fetches exactly what the plan shows. */
export function refsOf(plan: Plan): string[] {
  return plan.images.flatMap((image) =>
    image.names.map(({ name, digest }) => byDigest(name, digest)),
  );
}

/** A digest shortened for people. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}

function actionOf(image: PlannedImage, index: number): Cell {
  if (index > 0) return 'same image';
  // Images that the root ships are copied from it, not downloaded.
  const isShipped = image.names.some(({ fetch }) => fetch?.source.from === 'layout');
  if (!image.present && isShipped)
    return { text: `load ${formatBytes(image.size)}`, colour: 'yellow' };
  if (!image.present) return { text: missingAction(image), colour: 'yellow' };
  if (image.artifact === true) return { text: 'present', colour: 'green' };
  if (!image.pinned) return { text: 'pin', colour: 'yellow' };
  return { text: 'present, pinned', colour: 'green' };
}

function missingAction({ bytes, waits }: PlannedImage): string {
  const come = bytes === 0 ? '' : `fetch ${formatBytes(bytes)}`;
  if (waits) return come === '' ? 'waits' : `${come}, waits`;
  return come === '' ? 'unpack' : come;
}

export function deferralOf(name: string, deferred: readonly DeferredName[]): Cell {
  const entry = deferred.find((d) => d.name === name);
  if (entry === undefined) return '';
  return {
    text: `the name stays on ${shortDigest(entry.current)} for ${entry.heldBy.join(', ')}`,
    colour: 'dim',
  };
}
