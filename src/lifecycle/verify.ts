import { serves } from '../engine/containers-storage/images.ts';
import type { EngineImage } from '../engine/engine.ts';
import {
  type Contents,
  driftOf,
  type RecordImage,
  type RecordProblem,
  type RecordProvided,
  type RootRecord,
} from '../state/record.ts';
import { shadowOf } from './plan/storage-differs.ts';
import { imageNamed, meaningsOf, pinsOf } from './provenance.ts';
import type { Situation } from './situation.ts';
import { waitingContents, waits } from './waiting.ts';

/** The kinds of reasons for which a root is not ready. docs/commands.md says what to do about each. */
export type FindingCode =
  | 'not-staged'
  | 'unfinished'
  /** No registry has said what a name means; an image of that name is there. */
  | 'unresolved'
  | 'image-missing'
  /** The image was in a read-only store that can't be read, for instance as it is not mounted. */
  | 'store-unread'
  /** The image is downloaded, but not unpacked yet. */
  | 'not-unpacked'
  | 'pin-missing'
  | 'name-missing'
  | 'name-moved'
  | 'digest-missing'
  | 'problem';

/** A reason why a root is not ready. */
export interface Finding {
  readonly code: FindingCode;
  readonly message: string;
  readonly hint: string;
  /** The id of the image that the finding is about, if it is about an image. */
  readonly id?: string;
  readonly name?: string;
  readonly problem?: RecordProblem;
}

/**
 * Compares a root's record with the engine: every image must be present and pinned, every name must mean
 * its image, and nothing bound may have a problem. A root without findings is ready.
 */
export function judge(record: RootRecord, situation: Situation): readonly Finding[] {
  if (record.staged === undefined) {
    if (record.pending === undefined) return judgeNone();
    return judgePending(record, situation);
  }
  const pinned = pinsOf(record.id, situation.pins);
  return [
    ...unfinished(record, record.staged, situation),
    ...record.staged.images.flatMap((image) => judgeImage(image, record, pinned, situation)),
    ...(record.staged.provided ?? []).flatMap((entry) => judgeProvided(entry, record, situation)),
    ...record.staged.problems.map(
      (problem): Finding => ({
        code: 'problem',
        message: `${problem.path}${problem.line === undefined ? '' : `:${problem.line}`}: ${problem.message}`,
        hint: problem.hint,
        problem,
      }),
    ),
  ];
}

/** Judges a stage that has begun and not ended: perhaps its images only wait to be unpacked. */
function judgePending(record: RootRecord, situation: Situation): readonly Finding[] {
  const images = waitingContents(record, situation)?.images ?? [];
  const waiting = images.filter((image) => waits(image, situation));
  if (waiting.length > 0) return waiting.map((image) => notUnpacked(image, record));
  const message = 'a stage of the root has begun and not ended';
  return [finding('unfinished', message, again(record)), ...unbrought(record, situation)];
}

/** The images that an unfinished stage has yet to bring, for the wanted names. */
function unbrought(
  record: RootRecord,
  situation: Situation,
  isWanted: (name: string) => boolean = () => true,
): readonly Finding[] {
  const { images = [], unresolved = [] } = record.pending ?? {};
  const absent = images.flatMap(({ id, names }) => {
    const name = names.find((served) => isWanted(served.name))?.name;
    const isThere = situation.images.has(id) || situation.waiting.has(id);
    return name === undefined || isThere ? [] : [imageMissing(name, record, id)];
  });
  return [
    ...absent,
    ...unresolved.filter(isWanted).map((name): Finding => {
      if (imageNamed(name, situation.images) === undefined) return imageMissing(name, record);
      const message = `no registry has said what ${name} means to the root`;
      return { ...finding('unresolved', message, again(record)), name };
    }),
  ];
}

function imageMissing(name: string, record: RootRecord, id?: string): Finding {
  const found = finding('image-missing', `${name} is not there`, again(record));
  return { ...found, ...(id === undefined ? {} : { id }), name };
}

function notUnpacked({ id, names }: RecordImage, record: RootRecord): Finding {
  const name = names[0]?.name ?? id;
  const message = `${name} is downloaded and not unpacked yet`;
  const hint = `${again(record)}, which needs no network`;
  return { ...finding('not-unpacked', message, hint), id, name };
}

/** The findings on a root of which there is no record on this engine. */
export function judgeAbsent(id: string, { elsewhere }: Situation): readonly Finding[] {
  const record = elsewhere.get(id);
  if (record === undefined) return judgeNone();
  const message = `${id} is staged on ${record.engine}, not here`;
  return [finding('not-staged', message, `say --engine ${record.engine}`)];
}

function judgeNone(): readonly Finding[] {
  return [finding('not-staged', 'the root is not staged here', 'run `berth stage` on it')];
}

/**
 * The findings on a later stage that did not end. Such a stage matters only if the root needs names that
 * the last whole stage does not have: for the same names the earlier images still serve.
 */
function unfinished(
  record: RootRecord,
  staged: Contents,
  situation: Situation,
): readonly Finding[] {
  const namesOf = ({ images, unresolved, provided = [] }: Contents) => [
    ...provided.map(({ name }) => name),
    ...images.flatMap((image) => image.names.map(({ name }) => name)),
    ...unresolved,
  ];
  const known = new Set(namesOf(staged));
  const missing = record.pending && namesOf(record.pending).find((name) => !known.has(name));
  if (missing === undefined) return [];
  const message = `a later stage of the root has begun and not ended; it wants ${missing} too`;
  return [
    { ...finding('unfinished', message, again(record)), name: missing },
    ...unbrought(record, situation, (name) => !known.has(name)),
  ];
}

/** Judges an image in a read-only store. It is its owner's, so berth expects no pin of it. */
function judgeProvided(
  entry: RecordProvided,
  record: RootRecord,
  situation: Situation,
): readonly Finding[] {
  const { name, id, directory } = entry;
  const shadow = shadowOf(entry, situation);
  if (shadow !== undefined) {
    const message = `${name} means ${shadow} in podman's own store, not ${id} of ${directory}`;
    return [{ ...finding('name-moved', message, again(record)), id, name }];
  }
  const store = situation.store(directory);
  if (store?.images.some((image) => image.id === id && serves(image, name)) === true) return [];
  if (store?.isListed !== true) {
    const message = `${directory}, where ${name} was, has no images that could be read`;
    const hint = `see that it is mounted; else ${again(record)}`;
    return [{ ...finding('store-unread', message, hint), id, name }];
  }
  const message = `${name} is not in ${directory} any more, where it was`;
  return [{ ...finding('image-missing', message, again(record)), id, name }];
}

function judgeImage(
  wanted: RecordImage,
  record: RootRecord,
  pinned: { has(id: string): boolean },
  situation: Situation,
): readonly Finding[] {
  const { id } = wanted;
  const first = wanted.names[0]?.name ?? id;
  const image = situation.images.get(id);
  if (image === undefined && situation.waiting.has(id)) return [notUnpacked(wanted, record)];
  if (image === undefined) return [imageMissing(first, record, id)];
  const findings = wanted.names.flatMap(({ name }) => judgeName(name, image, record, situation));
  if (!pinned.has(id)) {
    findings.push({
      ...finding('pin-missing', `${first} is there, but its pin is not`, again(record)),
      id,
      name: first,
    });
  }
  return findings;
}

function judgeName(
  name: string,
  image: EngineImage,
  record: RootRecord,
  situation: Situation,
): Finding[] {
  const { id } = image;
  // An image without any name can be pinned by hand, by its id.
  if (name === id) return [];
  if (name.includes('@')) {
    if (image.digests.includes(name)) return [];
    const message = `the image of ${name} is there, but not known by that digest`;
    return [{ ...finding('digest-missing', message, again(record)), id, name }];
  }
  if (image.names.includes(name)) return [];
  const current = imageNamed(name, situation.images);
  if (current === undefined) {
    const message = `${name} names no image`;
    return [{ ...finding('name-missing', message, again(record)), id, name }];
  }
  // This drift is recorded and pinned already: the running root is left alone.
  if (driftOf(record, name)?.id === current.id) return [];
  // Another living root means that image by the name. The name moves when this root is activated.
  if (meaningsOf(name, situation.records, record.id).has(current.id)) return [];
  const message = `${name} means ${current.id}, not ${id}`;
  return [{ ...finding('name-moved', message, again(record)), id, name }];
}

function again(record: RootRecord): string {
  if (record.deployment !== undefined) return 'run `berth reconcile`';
  return `run \`berth stage\` on ${record.location || record.id} again`;
}

function finding(code: FindingCode, message: string, hint: string): Finding {
  return { code, message, hint };
}
