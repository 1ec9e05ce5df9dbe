import { HOW_TO_BIND } from '../binding/bind.ts';
import { changeOfArchive } from '../binding/changed-archive.ts';
import { unitsOf } from '../binding/units-of.ts';
import { counted } from '../common/counted.ts';
import { type EngineId, engineParts, takesEverything } from '../common/engine-id.ts';
import { serves } from '../engine/containers-storage/images.ts';
import type { Absence, EngineImage } from '../engine/engine.ts';
import {
  type Contents,
  driftOf,
  type RecordImage,
  type RecordProblem,
  type RecordProvided,
  type RootRecord,
  wantedImages,
} from '../state/record.ts';
import { removalOf } from '../state/removed.ts';
import { isManual } from '../state/root-id.ts';
import { absenceFor, situationFor } from './absence.ts';
import { shadowOf } from './plan/storage-differs.ts';
import { imageNamed, meaningsOf, pinsOf } from './provenance.ts';
import { type EngineSituation, type Situation, situationOn } from './situation.ts';
import { waitingContents, waits } from './waiting.ts';

/** The kinds of reasons for which a root is not ready. docs/commands.md says what to do about each. */
export type FindingCode =
  | 'not-staged'
  | 'unfinished'
  /** The root names images, and none of them is bound. */
  | 'nothing-bound'
  /** The last stage was for one engine alone, and bound images need others as well. */
  | 'engine-left-out'
  /** The engine can't be looked at, and the image does not wait for it. */
  | 'engine-absent'
  /** The image is downloaded, and this berth can't hand it to its engine, or the root runs already. */
  | 'waits-for-engine'
  /** No registry has said what a name means; an image of that name is there. */
  | 'unresolved'
  | 'image-missing'
  /** The archive of the root that holds the image has another size than when it was staged. */
  | 'archive-changed'
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
  /** The engine that the finding is about. */
  readonly engine?: EngineId;
  readonly problem?: RecordProblem;
  /** The units that want the image, if the finding is about an image. */
  readonly wantedBy?: readonly string[];
}

/** Whether a finding is about the root itself, so that no stage of the same tree can mend it. */
export function isOfRoot(code: FindingCode): boolean {
  return ['problem', 'nothing-bound', 'engine-left-out', 'waits-for-engine'].includes(code);
}

/**
 * Compares a root's record with the engines: every image must be present and pinned where it will be
 * started from, every name must mean its image, and nothing bound may have a problem. A root without
 * findings is ready. An image that waits for an engine that takes it at the boot is no finding.
 */
export function judge(record: RootRecord, situation: Situation): readonly Finding[] {
  return findingsOn(record, situation).map((found) => explained(found, record));
}

/** Says of a loss that somebody caused it, where it is on record. */
function explained(found: Finding, record: RootRecord): Finding {
  const { engine, id, name } = found;
  if (engine === undefined || id === undefined) return found;
  const removal = removalOf(record, { engine, id, name });
  if (removal === undefined) return found;
  const message = `${found.message}: removed by somebody at ${removal.time}, kept so by on-force`;
  const hint = `run \`berth stage\` on ${record.location || record.id}, which brings it back`;
  return { ...found, message, hint };
}

function findingsOn(record: RootRecord, situation: Situation): readonly Finding[] {
  const apart = judgePlaces(record, situation);
  if (apart !== undefined) return [apart];
  if (record.staged === undefined) {
    if (record.pending === undefined) return judgeNone();
    return judgePending(record, situation);
  }
  const { staged } = record;
  return [
    ...unfinished(record, staged, situation),
    ...nothingBound(staged, record),
    ...leftOut(staged, record, situation),
    ...lookedAt(staged.images, situation).flatMap((image) =>
      judgeImage(image, staged, record, situation),
    ),
    ...(staged.provided ?? []).flatMap((entry) => judgeProvided(entry, record, situation)),
    ...staged.problems.map(
      (problem): Finding => ({
        code: 'problem',
        message: `${problem.path}${problem.line === undefined ? '' : `:${problem.line}`}: ${problem.message}`,
        hint: problem.hint,
        problem,
      }),
    ),
  ];
}

/** The images on engines that were looked at: a run that is for one engine alone judges no other. */
function lookedAt(images: readonly RecordImage[], { engines }: Situation): readonly RecordImage[] {
  return images.filter(({ engine }) => engines.has(engine));
}

/** The finding on a root whose images are all on other engines than those of this run. */
function judgePlaces(record: RootRecord, { chosen }: Situation): Finding | undefined {
  const engines = [...new Set(wantedImages(record).map(({ engine }) => engine))];
  const wanted = chosen.all ?? chosen.only;
  const isHere =
    wanted === undefined
      ? isManual(record.id) || !engines.some(takesEverything)
      : engines.includes(wanted);
  if (engines.length === 0 || isHere) return undefined;
  const where = wanted === undefined ? 'where its containers run' : `on ${wanted}`;
  const message = `${record.id} is staged on ${engines.join(', ')}, not ${where}`;
  const [only, ...more] = engines;
  const hint =
    more.length === 0 && chosen.all === undefined ? `say --engine ${only}` : 'leave --engine out';
  return finding('not-staged', message, hint);
}

function nothingBound({ unbound = 0 }: Contents, record: RootRecord): readonly Finding[] {
  if (unbound === 0) return [];
  const message = `${record.id} names ${counted(unbound, 'image')}, and none of them is bound: nothing is kept for its boot`;
  return [finding('nothing-bound', message, HOW_TO_BIND)];
}

/** The findings on engines that the last stage left out. A run for one engine does not ask about others. */
function leftOut(
  { leftOut: engines = [], images, provided = [] }: Contents,
  record: RootRecord,
  { chosen: { only } }: Situation,
): readonly Finding[] {
  if (only === undefined) {
    return engines.map((engine) => {
      const message = `images that ${engine} runs were left out: the last stage was for another engine alone`;
      const found = finding('engine-left-out', message, `${again(record)}, without --engine`);
      return { ...found, engine };
    });
  }
  if (engines.length === 0 || images.length + provided.length > 0) return [];
  const message = `${record.id} has no image for ${only}, but for ${engines.join(', ')}`;
  return [finding('engine-left-out', message, `${again(record)}, without --engine and --user`)];
}

/** Judges a stage that has begun and not ended: perhaps its images only wait to be unpacked. */
function judgePending(record: RootRecord, situation: Situation): readonly Finding[] {
  const images = lookedAt(waitingContents(record, situation)?.images ?? [], situation);
  const waiting = images.filter((image) => waits(image, situationOn(situation, image.engine)));
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
  const absent = lookedAt(images, situation).flatMap((image) => {
    const { id, names, engine } = image;
    const name = names.find((served) => isWanted(served.name))?.name;
    const on = situationOn(situation, engine);
    const isThere = on.images.has(id) || on.waiting.has(id);
    return name === undefined || isThere ? [] : [imageMissing(name, record, image)];
  });
  return [
    ...absent,
    ...unresolved.filter(isWanted).map((name): Finding => {
      const isThere = [...situation.engines.values()].some(
        (on) => imageNamed(name, on.images) !== undefined,
      );
      if (!isThere) return imageMissing(name, record);
      const message = `no registry has said what ${name} means to the root`;
      return { ...finding('unresolved', message, again(record)), name };
    }),
  ];
}

function imageMissing(name: string, record: RootRecord, image?: RecordImage): Finding {
  const where =
    image === undefined || image.engine === record.engine ? 'there' : `in ${image.engine}`;
  const found = finding('image-missing', `${name} is not ${where}`, again(record));
  return image === undefined ? { ...found, name } : aboutImage(found, image, name);
}

function notUnpacked(image: RecordImage, record: RootRecord): Finding {
  const message = `${firstName(image)} is downloaded and not unpacked yet`;
  const hint = `${again(record)}, which needs no network`;
  return aboutImage(finding('not-unpacked', message, hint), image);
}

function firstName({ id, names }: RecordImage): string {
  return names[0]?.name ?? id;
}

function aboutImage(found: Finding, image: RecordImage, name = firstName(image)): Finding {
  const wantedBy = unitsOf(image.names.flatMap(({ references }) => references));
  return { ...found, id: image.id, name, engine: image.engine, wantedBy };
}

/** The findings on a root without a record. */
export function judgeNone(): readonly Finding[] {
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
  const { engine, name, id, directory } = entry;
  const about = { id, name, engine, wantedBy: unitsOf(entry.references) };
  if (entry.archive !== undefined) return judgeArchive(entry, record);
  const on = situation.engines.get(engine);
  if (on === undefined) return [];
  const shadow = shadowOf(entry, on);
  if (shadow !== undefined) {
    const message = `${name} means ${shadow} in podman's own store, not ${id} of ${directory}`;
    return [{ ...finding('name-moved', message, again(record)), ...about }];
  }
  const store = on.store(directory);
  if (store?.images.some((image) => image.id === id && serves(image, name)) === true) return [];
  if (store?.isListed !== true) {
    const message = `${directory}, where ${name} was, has no images that could be read`;
    const hint = `see that it is mounted; else ${again(record)}`;
    return [{ ...finding('store-unread', message, hint), ...about }];
  }
  const message = `${name} is not in ${directory} any more, where it was`;
  return [{ ...finding('image-missing', message, again(record)), ...about }];
}

/** Judges an image that podman takes from an archive of the root whenever the unit starts. */
function judgeArchive(entry: RecordProvided, record: RootRecord): readonly Finding[] {
  const { engine, name, id, directory } = entry;
  const change = changeOfArchive(entry, record);
  if (change === undefined) return [];
  const about = { id, name, engine, wantedBy: unitsOf(entry.references) };
  if (change === 'missing') {
    const message = `${directory} of the root, from which ${name} is taken, is not there any more`;
    return [{ ...finding('image-missing', message, again(record)), ...about }];
  }
  const message = `${directory} of the root, from which ${name} is taken, is not what it was when the root was staged`;
  return [{ ...finding('archive-changed', message, again(record)), ...about }];
}

function judgeImage(
  wanted: RecordImage,
  contents: Contents,
  record: RootRecord,
  situation: Situation,
): readonly Finding[] {
  const { id, engine } = wanted;
  const on = situationOn(situation, engine);
  const unit = unitOfUser(wanted);
  if (unit !== undefined) {
    const message = `${firstName(wanted)} is staged in ${engine}, where an earlier berth looked for it; ${unit} runs it in a user's own podman`;
    return [aboutImage(finding('not-staged', message, again(record)), wanted)];
  }
  const absence = absenceFor(on.engine, contents);
  if (absence !== undefined) {
    const { waiting } = situationFor(on, contents);
    const isDownloaded = waiting.has(id);
    const isRunning = situation.running === record.id;
    return judgeWaiting(wanted, absence, { isDownloaded, isRunning, again: again(record) });
  }
  const image = on.images.get(id);
  if (image === undefined && on.waiting.has(id)) return [notUnpacked(wanted, record)];
  if (image === undefined) return [imageMissing(firstName(wanted), record, wanted)];
  const findings = wanted.names.flatMap(({ name }) => judgeName(name, image, record, on));
  if (wanted.artifact !== true && !pinsOf(record.id, on.pins).has(id)) {
    const message = `${firstName(wanted)} is there, but its pin is not`;
    findings.push(finding('pin-missing', message, again(record)));
  }
  return findings.map((found) => aboutImage(found, wanted, found.name));
}

/**
 * The unit of a user that runs an image of the system's engine: records of earlier versions have all images
 * there.
 */
function unitOfUser({ engine, names }: RecordImage): string | undefined {
  if (takesEverything(engine) || engineParts(engine).user !== undefined) return undefined;
  const references = names.flatMap((served) => served.references);
  return references.find(({ scope }) => scope !== undefined)?.unit;
}

/** Judges an image whose engine can't be used now. */
function judgeWaiting(
  wanted: RecordImage,
  { reason, hint, takes }: Absence,
  root: { readonly isDownloaded: boolean; readonly isRunning: boolean; readonly again: string },
): readonly Finding[] {
  const { engine } = wanted;
  const name = firstName(wanted);
  if (!root.isDownloaded) {
    const message = `${name} is not downloaded, and can't be looked for in ${engine}: ${reason}`;
    return [
      aboutImage(finding('engine-absent', message, `${root.again}, which downloads it`), wanted),
    ];
  }
  if (takes === 'at-boot' && !root.isRunning) return [];
  const message = `${name} is downloaded and waits for ${engine}: ${reason}`;
  return [aboutImage(finding('waits-for-engine', message, hint), wanted)];
}

function judgeName(
  name: string,
  image: EngineImage,
  record: RootRecord,
  situation: EngineSituation,
): Finding[] {
  const { id } = image;
  // An image without any name can be pinned by hand, by its id.
  if (name === id) return [];
  if (name.includes('@')) {
    if (image.digests.includes(name)) return [];
    const message = `the image of ${name} is there, but not known by that digest`;
    return [{ ...finding('digest-missing', message, again(record)), name }];
  }
  if (image.names.includes(name)) return [];
  const current = imageNamed(name, situation.images);
  if (current === undefined) {
    const message = `${name} names no image`;
    return [{ ...finding('name-missing', message, again(record)), name }];
  }
  // This drift is recorded and pinned already: the running root is left alone.
  if (driftOf(record, name)?.id === current.id) return [];
  // Another living root means that image by the name. The name moves when this root is activated.
  if (meaningsOf(name, situation.records, record.id).has(current.id)) return [];
  const message = `${name} means ${current.id}, not ${id}`;
  return [{ ...finding('name-moved', message, again(record)), name }];
}

function again(record: RootRecord): string {
  if (record.deployment !== undefined) return 'run `berth reconcile`';
  return `run \`berth stage\` on ${record.location || record.id} again`;
}

function finding(code: FindingCode, message: string, hint: string): Finding {
  return { code, message, hint };
}
