import type { EngineId } from '../../common/engine-id.ts';
import {
  type Contents,
  inOrder,
  placeOf,
  type RecordImage,
  type RootRecord,
} from '../../state/record.ts';
import { keptBeside, providedBeside, servesAny } from '../plan/kept-beside.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedImage } from '../plan/planned-image.ts';
import type { Situation } from '../situation.ts';

/**
 * The contents with a note on images that their engines lack. If berth is killed before it pins them, the
 * note tells that berth brought them.
 */
export function begunWith(
  wanted: Contents,
  { engines }: Situation,
  before: RootRecord | undefined,
): Contents {
  const noted = (before?.pending?.images ?? []).filter(({ lacking }) => lacking === true);
  const known = new Set(noted.map(placeOf));
  const images = wanted.images.map((image) => {
    const isLacking = engines.get(image.engine)?.images.has(image.id) === false;
    return isLacking || known.has(placeOf(image)) ? { ...image, lacking: true as const } : image;
  });
  return { ...wanted, images };
}

/**
 * The contents of a stage under way with a note on the artifacts that berth has brought, since no pin tells
 * that. Undefined if there is nothing to note.
 *
 * @param brought the images that berth brought, as `placeOf` writes them.
 */
export function withArtifacts(
  pending: Contents,
  brought: ReadonlySet<string>,
): Contents | undefined {
  const isNew = ({ artifact, fetched, ...image }: RecordImage) =>
    artifact === true && !fetched && brought.has(placeOf(image));
  if (!pending.images.some(isNew)) return undefined;
  const images = pending.images.map((image) =>
    isNew(image) ? { ...image, fetched: true } : image,
  );
  return { ...pending, images };
}

/** The drift that remains when `wanted` is staged: a name is no drift if it means the wanted image. */
export function driftAfter(before: RootRecord | undefined, wanted: Contents): RecordImage[] {
  return (before?.drift ?? []).flatMap((image) => {
    const names = image.names.filter(({ name }) =>
      wanted.images.some(
        ({ engine, id, names }) =>
          engine === image.engine &&
          id !== image.id &&
          names.some((served) => served.name === name),
      ),
    );
    return names.length === 0 ? [] : [{ ...image, names }];
  });
}

/**
 * The contents that a plan wants on record, with the images that it leaves alone.
 *
 * @param brought the images that berth brought, as `placeOf` writes them.
 */
export function contentsOf(
  plan: Plan,
  brought: ReadonlySet<string>,
  before: RootRecord | undefined,
): Contents {
  const { bind, unbound, users, leftOut } = plan.wanted;
  const kept = keptBeside(leftOut, before);
  const lent = providedBeside(leftOut, before);
  const isLent = (engine: EngineId, name: string) =>
    lent.some((entry) => entry.engine === engine && entry.name === name);
  const missing = leftOut.filter(
    ({ engine, name }) => !servesAny(kept, engine, name) && !isLent(engine, name),
  );
  const provided = [...plan.provided, ...lent];
  const contents: Contents = {
    time: new Date().toISOString(),
    ...(bind === undefined ? {} : { bind }),
    ...(unbound === 0 ? {} : { unbound }),
    ...(missing.length === 0 ? {} : { leftOut: [...new Set(missing.map(({ engine }) => engine))] }),
    ...(Object.keys(users).length === 0 ? {} : { users: { ...users } }),
    images: inOrder([...plan.images.map((image) => recordedImage(image, brought)), ...kept]),
    problems: plan.problems.map(({ code, path, line, message, hint }) => ({
      code,
      path,
      ...(line === undefined ? {} : { line }),
      message,
      hint,
    })),
    unresolved: plan.failures.map(({ name }) => name),
    ...(provided.length === 0 ? {} : { provided }),
  };
  // Unchanged contents keep their time. Pins carry the time, and so need not be made again.
  for (const earlier of [before?.staged, before?.pending]) {
    if (sameHolds(earlier, contents)) return { ...contents, time: earlier.time };
  }
  return contents;
}

function recordedImage(image: PlannedImage, brought: ReadonlySet<string>): RecordImage {
  const { engine, id, artifact, manifest, platform, size, names } = image;
  return {
    id,
    manifest,
    ...(artifact === true ? { artifact } : {}),
    platform,
    size,
    fetched: brought.has(placeOf(image)),
    names: names.map(({ name, digest, references }) => ({
      name,
      digest,
      references: [...references],
    })),
    engine,
  };
}

/** Whether two contents have the same pins, whatever files name the images. */
function sameHolds(earlier: Contents | undefined, contents: Contents): earlier is Contents {
  const holds = ({ images, problems, unresolved }: Contents) =>
    [
      String(problems.length),
      ...unresolved,
      ...images.map((image) =>
        [placeOf(image), ...image.names.map(({ name, digest }) => `${name} ${digest}`)].join(' '),
      ),
    ]
      .sort()
      .join('\n');
  return earlier !== undefined && holds(earlier) === holds(contents);
}
