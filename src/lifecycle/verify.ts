import type { EngineImage } from '../engine/engine.ts';
import type { Situation } from './context.ts';
import { meaningsOf } from './provenance.ts';
import type { RecordImage, RecordProblem, RootRecord } from './record.ts';

/** One thing that keeps a root from being ready. */
export interface Finding {
  readonly code:
    | 'not-staged'
    | 'unfinished'
    | 'image-missing'
    | 'pin-missing'
    | 'name-missing'
    | 'name-moved'
    | 'digest-missing'
    | 'problem';
  readonly message: string;
  readonly hint: string;
  /** The image's id, where it is about one. */
  readonly id?: string;
  readonly name?: string;
  readonly problem?: RecordProblem;
}

/**
 * Holds a root's record against what the engine really has: every image present and pinned, every
 * name meaning its image, no problem on anything bound. Ready is when nothing is found.
 */
export function judge(record: RootRecord | undefined, situation: Situation): readonly Finding[] {
  if (record?.staged === undefined) {
    return record?.pending === undefined
      ? [finding('not-staged', 'the root was never staged', 'run `berth stage` on it')]
      : [finding('unfinished', 'a stage of the root has begun and not ended', again(record))];
  }
  const pinned = new Set(
    situation.pins.filter((pin) => pin.root === record.id).map((pin) => pin.id),
  );
  return [
    ...record.staged.images.flatMap((image) => judgeImage(image, record, pinned, situation)),
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

function judgeImage(
  wanted: RecordImage,
  record: RootRecord,
  pinned: ReadonlySet<string>,
  situation: Situation,
): readonly Finding[] {
  const { id } = wanted;
  const first = wanted.names[0]?.name ?? id;
  const image = situation.images.get(id);
  if (image === undefined) {
    return [
      { ...finding('image-missing', `${first} is not there`, again(record)), id, name: first },
    ];
  }
  const findings = wanted.names.flatMap(({ name, digest }) =>
    judgeName(name, digest, image, record, situation),
  );
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
  digest: string,
  image: EngineImage,
  record: RootRecord,
  situation: Situation,
): Finding[] {
  const { id } = image;
  if (name.includes('@')) {
    if (image.digests.some((known) => known.endsWith(`@${digest}`))) return [];
    const message = `the image of ${name} is there, but not known by that digest`;
    return [{ ...finding('digest-missing', message, again(record)), id, name }];
  }
  if (image.names.includes(name)) return [];
  const current = [...situation.images.values()].find((other) => other.names.includes(name));
  if (current === undefined) {
    const message = `${name} names no image`;
    return [{ ...finding('name-missing', message, again(record)), id, name }];
  }
  // Another living root means just that by the name: it moves when this root is activated.
  if (meaningsOf(name, situation.records).has(current.id)) return [];
  const message = `${name} means ${current.id}, not ${id}`;
  return [{ ...finding('name-moved', message, again(record)), id, name }];
}

function again(record: RootRecord): string {
  return `run \`berth stage\` on ${record.location || record.id} again`;
}

function finding(code: Finding['code'], message: string, hint: string): Finding {
  return { code, message, hint };
}
