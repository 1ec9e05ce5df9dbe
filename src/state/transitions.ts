import { API_VERSION } from '../common/version.ts';
import {
  type Contents,
  placeOf,
  type RecordDeployment,
  type RecordImage,
  type Removed,
  type RootRecord,
  wantedImages,
} from './record.ts';
import { mergeReleased } from './released.ts';
import { isManual } from './root-id.ts';

/**
 * The life of a record: every change of a record is one of the transitions below, a pure function from the
 * record before to the record after. `undefined` stands for a record that does not exist.
 * docs/architecture.md draws the same arrows.
 */

/** The phase of a root, by the parts that its record has. */
export type Phase =
  /** There is no record. */
  | 'none'
  /** A first stage has begun and not ended. */
  | 'pending'
  /** The last stage has ended. */
  | 'staged'
  /** An earlier stage came to its end, and a later stage has begun and not ended. */
  | 'restaging'
  /** The record was made from pins, and only pins of drift were left. */
  | 'drift'
  /** Nothing is wanted; the record lists images that berth fetched, until `prune` removes them. */
  | 'released';

export function phaseOf(record: RootRecord | undefined): Phase {
  if (record === undefined) return 'none';
  if (record.staged !== undefined) return record.pending === undefined ? 'staged' : 'restaging';
  if (record.pending !== undefined) return 'pending';
  return record.drift === undefined ? 'released' : 'drift';
}

type Arrow = `${Phase} → ${Phase}`;

/** The states from and to which each transition may lead. */
export const arrows = {
  begun: [
    'none → pending',
    'pending → pending',
    'staged → restaging',
    'restaging → restaging',
    'drift → pending',
    'released → pending',
  ],
  staged: ['pending → staged', 'restaging → staged'],
  drifted: [
    'pending → pending',
    'staged → staged',
    'restaging → restaging',
    'drift → drift',
    'drift → released',
  ],
  held: ['pending → pending', 'staged → staged', 'restaging → restaging'],
  respected: ['pending → pending', 'staged → staged', 'restaging → restaging'],
  released: [
    'pending → released',
    'pending → none',
    'staged → released',
    'staged → none',
    'restaging → released',
    'restaging → none',
    'drift → released',
    'drift → none',
    'released → released',
    'released → none',
  ],
  pruned: [
    'pending → pending',
    'staged → staged',
    'restaging → restaging',
    'drift → drift',
    'released → released',
    'released → none',
  ],
  pinned: ['none → staged', 'staged → staged', 'released → staged'],
  unpinned: [
    'staged → staged',
    'staged → released',
    'staged → none',
    'released → released',
    'released → none',
  ],
  recovered: ['none → pending', 'none → staged', 'none → restaging', 'none → drift'],
} as const satisfies Readonly<Record<string, readonly Arrow[]>>;

export type Transition = keyof typeof arrows;

/** The part of a record that names its root, whatever is staged. */
export type Identity = Pick<RootRecord, 'id' | 'location' | 'engine' | 'deployment'>;

/**
 * A stage begins: nothing is fetched yet, and all images that it will fetch are wanted from here on.
 * Images that an unfinished stage had fetched and this one does not want are let go.
 *
 * @param brought the images that berth fetched, according to pins and records, as `placeOf` writes them.
 */
export function begun(
  before: RootRecord | undefined,
  root: Identity,
  wanted: Contents,
  brought: ReadonlySet<string>,
): RootRecord & { readonly pending: Contents } {
  const { staged, drift, released = [] } = before ?? {};
  const kept = placesIn([...(staged?.images ?? []), ...(drift ?? []), ...wanted.images]);
  const dropped = (before?.pending?.images ?? []).filter((image) => !kept.has(placeOf(image)));
  const after = {
    ...identity(root),
    ...(staged === undefined ? {} : { staged }),
    pending: wanted,
    released: mergeReleased(released, dropped, brought),
    ...(root.deployment === undefined ? {} : { deployment: root.deployment }),
    ...(drift === undefined ? {} : { drift }),
  };
  return checked('begun', before, after);
}

/**
 * A stage ends: all images that it wanted are fetched, pinned, named and verified. Images that berth
 * fetched for the root before, and that the root does not need any more, are let go.
 *
 * @param contents what is wanted; an apply that was taken back wants other images than it began with.
 * @param drift the drift from here on.
 * @param brought the images that berth brought, those of this stage included, as `placeOf` writes them.
 */
export function staged(
  before: RootRecord,
  contents: Contents,
  drift: readonly RecordImage[],
  brought: ReadonlySet<string>,
): RootRecord & { readonly staged: Contents } {
  const { pending: _pending, drift: _drift, ...rest } = before;
  const wanted = placesIn(contents.images);
  const released = mergeReleased(before.released, wantedImages(before), brought);
  const after = {
    ...rest,
    staged: contents,
    released: released.filter((image) => !wanted.has(placeOf(image))),
    ...(drift.length === 0 ? {} : { drift: [...drift] }),
  };
  return checked('staged', before, after);
}

/**
 * Somebody else moved names of the running root, or drift is over: the meanings of these names change while
 * the root runs, and what is staged stays.
 */
export function drifted(before: RootRecord, drift: readonly RecordImage[]): RootRecord {
  const { drift: _drift, ...rest } = before;
  const after = drift.length === 0 ? rest : { ...rest, drift: [...drift] };
  return checked('drifted', before, after);
}

/**
 * The updater dropped a root that was queued and never finalised: the root is kept for some days.
 *
 * @param since from when on the days count, ISO 8601.
 */
export function held(
  before: RootRecord,
  deployment: RecordDeployment,
  since: string,
): RootRecord & { readonly deployment: RecordDeployment } {
  const after = { ...before, deployment: { ...deployment, role: 'held' as const, since } };
  return checked('held', before, after);
}

/**
 * Somebody removed something of the root, and the host's `on-force` says that it stays removed until the next
 * stage.
 */
export function respected(before: RootRecord, removed: readonly Removed[]): RootRecord {
  const after = { ...before, removed: [...(before.removed ?? []), ...removed] };
  return checked('respected', before, after);
}

/**
 * The root is gone, or its user released it: its pins are dropped already, and nothing is wanted any
 * more. Images that berth fetched wait for `prune`; without such images no record is left.
 */
export function released(before: RootRecord, brought: ReadonlySet<string>): RootRecord | undefined {
  const { staged: _staged, pending: _pending, drift: _drift, removed: _removed, ...rest } = before;
  const after = {
    ...rest,
    released: mergeReleased(before.released, wantedImages(before), brought),
  };
  return checked('released', before, after.released.length === 0 ? undefined : after);
}

/**
 * Images that were let go are removed, or were gone already: the record forgets them. A record that says
 * nothing else is removed too.
 *
 * @param removed these images, as `placeOf` writes them.
 */
export function pruned(before: RootRecord, removed: ReadonlySet<string>): RootRecord | undefined {
  const left = before.released.filter((image) => !removed.has(placeOf(image)));
  const isEmpty = left.length === 0 && phaseOf(before) === 'released';
  return checked('pruned', before, isEmpty ? undefined : { ...before, released: left });
}

/**
 * Somebody pins an image by hand: the record under `manual` or `manual.NAME` wants the image in addition
 * to its other images.
 */
export function pinned(
  before: RootRecord | undefined,
  { id, engine }: Pick<RootRecord, 'id' | 'engine'>,
  image: RecordImage,
  time: string,
): RootRecord & { readonly staged: Contents } {
  const place = placeOf(image);
  const others = (before?.staged?.images ?? []).filter((known) => placeOf(known) !== place);
  const after = {
    ...identity({ id, location: '', engine }),
    staged: { time, images: [...others, image], problems: [], unresolved: [] },
    released: (before?.released ?? []).filter((known) => placeOf(known) !== place),
  };
  if (!isManual(id))
    throw fault('pinned', before, after, `${id} is not an id of pins made by hand`);
  return checked('pinned', before, after);
}

/**
 * Somebody drops pins made by hand. Images that berth fetched wait for `prune`; without such images and
 * without another pin no record is left.
 *
 * @param dropped the images whose pins are dropped already, as `placeOf` writes them.
 */
export function unpinned(
  before: RootRecord,
  dropped: ReadonlySet<string>,
  brought: ReadonlySet<string>,
): RootRecord | undefined {
  const { staged, ...rest } = before;
  const images = staged?.images ?? [];
  const going = images.filter((image) => dropped.has(placeOf(image)));
  const staying = images.filter((image) => !dropped.has(placeOf(image)));
  const after: RootRecord = {
    ...rest,
    ...(staged === undefined || staying.length === 0
      ? {}
      : { staged: { ...staged, images: staying } }),
    released: mergeReleased(before.released, going, brought),
  };
  const isEmpty = after.staged === undefined && after.released.length === 0;
  return checked('unpinned', before, isEmpty ? undefined : after);
}

/** A record was lost or damaged, and is rebuilt from the pins of its root. */
export function recovered(
  root: Identity,
  found: Pick<RootRecord, 'staged' | 'pending' | 'drift'>,
): RootRecord {
  const { staged, pending, drift } = found;
  const after = {
    ...identity(root),
    ...(staged === undefined ? {} : { staged }),
    ...(pending === undefined ? {} : { pending }),
    released: [],
    ...(root.deployment === undefined ? {} : { deployment: root.deployment }),
    ...(drift === undefined ? {} : { drift }),
  };
  return checked('recovered', undefined, after);
}

function identity({ id, location, engine }: Identity) {
  return { apiVersion: API_VERSION, kind: 'Record', id, location, engine } as const;
}

function placesIn(images: readonly RecordImage[]): ReadonlySet<string> {
  return new Set(images.map(placeOf));
}

/** @throws {Error} for a bug in berth, before anything is written. */
function checked<T extends RootRecord | undefined>(
  transition: Transition,
  before: RootRecord | undefined,
  after: T,
): T {
  const arrow: Arrow = `${phaseOf(before)} → ${phaseOf(after)}`;
  const allowed: readonly Arrow[] = arrows[transition];
  if (allowed.includes(arrow)) return after;
  throw fault(transition, before, after, `expected one of ${allowed.join(', ')}`);
}

function fault(
  transition: Transition,
  before: RootRecord | undefined,
  after: RootRecord | undefined,
  why: string,
): Error {
  const id = after?.id ?? before?.id ?? '';
  const arrow = `${phaseOf(before)} → ${phaseOf(after)}`;
  return new Error(`the record of ${id} can't be ${transition}, ${arrow}: ${why}`);
}
