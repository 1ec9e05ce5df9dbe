import type { EngineId } from '../../common/engine-id.ts';
import type { RootRecord } from '../../state/record.ts';
import { removalOf } from '../../state/removed.ts';
import { lostPins } from '../restore-pins.ts';
import type { EngineSituation, Situation } from '../situation.ts';
import { type Finding, type FindingCode, judge } from '../verify.ts';

/** Something that a root wants on an engine, that is missing there, and that can be put back. */
export interface Lack {
  readonly code: FindingCode;
  readonly engine: EngineId;
  /** The engine's id of the image. */
  readonly id: string;
  readonly name: string;
  readonly message: string;
}

/** The findings for which an image has to be fetched again, if only to be known by a digest. */
const OF_IMAGES: ReadonlySet<FindingCode> = new Set([
  'image-missing',
  'not-unpacked',
  'digest-missing',
]);

const OF_NAMES: ReadonlySet<FindingCode> = new Set(['name-missing', 'name-moved']);

/** What a record wants and the engines of a situation lack. */
export function lacksOf(record: RootRecord, situation: Situation): readonly Lack[] {
  const found = judge(record, situation).flatMap((finding) => {
    const isOwn = isOfImage(finding) || OF_NAMES.has(finding.code);
    const isLeft = isDrift(finding, record, situation) || isRespected(finding, record);
    return isOwn && !isLeft ? lackIn(finding) : [];
  });
  const pins = [...situation.engines.values()].flatMap((on) => unpinned(record, on));
  return [...found, ...pins];
}

/** Whether putting the lack back takes a fetch. */
export function isOfImage({ code }: Pick<Lack, 'code'>): boolean {
  return OF_IMAGES.has(code);
}

/** The identity of a lack: equal for the same lack in two looks. */
export function keyOf({ code, engine, id, name }: Lack): string {
  return `${engine} ${id} ${code} ${name}`;
}

/** A name of the running root that somebody moved is drift: `activate` and `reconcile` record it. */
function isDrift({ code }: Finding, { id }: RootRecord, { running }: Situation): boolean {
  return code === 'name-moved' && running === id;
}

/** What somebody removed and `on-force` leaves removed. */
function isRespected({ engine, id, name }: Finding, record: RootRecord): boolean {
  if (engine === undefined || id === undefined) return false;
  return removalOf(record, { engine, id, name }) !== undefined;
}

function lackIn({ code, engine, id, name, message }: Finding): readonly Lack[] {
  if (engine === undefined || id === undefined) return [];
  return [{ code, engine, id, name: name ?? id, message }];
}

/** The lost pins, including those of an unfinished stage and of drift, for which there is no finding. */
function unpinned(record: RootRecord, on: EngineSituation): readonly Lack[] {
  if (on.engine.absence !== undefined) return [];
  return lostPins(record, on).map(({ id, names }) => {
    const name = names[0]?.name ?? id;
    const message = `${name} is there, but its pin is not`;
    return { code: 'pin-missing', engine: on.engine.id, id, name, message };
  });
}
