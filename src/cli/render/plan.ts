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
  const summary = `${counted(plan.images.length, 'image')} for ${root.id} on ${on}${unresolved}: ${formatBytes(plan.bytes)} to fetch${sharing(plan)}${inStore(plan)}${plan.space.map(spaceText).join('')}.`;
  const perEngine = isSingle ? [] : engines.map((engine) => engineLine(engine, plan));
  return table + [summary, ...perEngine].map(shownLine).join('');
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

/** Why the images add up to more than the whole. */
function sharing({ images, bytes }: Plan): string {
  const each = images.reduce((sum, image) => sum + image.bytes, 0);
  return each > bytes ? ' (layers that images share come once)' : '';
}

function inStore({ inDepot: bytes }: Plan): string {
  return bytes === 0 ? '' : `, ${formatBytes(bytes)} in berth's store already`;
}

function spaceText({ directory, needed, estimated, free }: Space): string {
  const about = estimated ? 'about ' : '';
  const writes = needed === 0 ? '' : `${about}${formatBytes(needed)} on disk in ${directory}, `;
  return `; ${writes}${formatBytes(free)} free`;
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

function missingAction({ bytes, way, waits }: PlannedImage): string {
  const come = bytes > 0 || way === 'direct' ? `fetch ${formatBytes(bytes)}` : '';
  if (waits) return come === '' ? 'waits' : `${come}, waits`;
  return come === '' ? 'take from berth’s store' : come;
}

export function deferralOf(name: string, deferred: readonly DeferredName[]): Cell {
  const entry = deferred.find((d) => d.name === name);
  if (entry === undefined) return '';
  return {
    text: `the name stays on ${shortDigest(entry.current)} for ${entry.heldBy.join(', ')}`,
    colour: 'dim',
  };
}
