import type { BoundReference, Survey, SurveyProblem } from '../../binding/survey.ts';
import { imageNamed } from '../../lifecycle/provenance.ts';
import type { Situation } from '../../lifecycle/situation.ts';
import type { RootStatus } from '../../lifecycle/status.ts';
import type { Finding } from '../../lifecycle/verify.ts';
import type { RecordReference, RootRecord } from '../../state/record.ts';
import { MOST_IMAGES, MOST_SAID, type Room, shortened, some } from './bounds.ts';
import type { ImageReport, Lack, Note, RootReport, Said } from './report.ts';
import { isTrouble, order, type State, stateOf } from './states.ts';
import { waysTo } from './ways.ts';

/** A root as it was found: its status, its record and its tree. */
export interface SeenRoot {
  readonly status: RootStatus;
  readonly record: RootRecord | undefined;
  /** The tree, or why it was not read; undefined for pins made by hand, which have none. */
  readonly tree: { readonly found: Survey } | { readonly unread: Said } | undefined;
}

/** All images of a root, before anything is cut. */
export interface SeenImages {
  readonly images: readonly SeenImage[];
  readonly counts: ReadonlyMap<State, number>;
}

/** An image of a root; its ways are made only for the images that are shown in detail. */
export interface SeenImage extends Omit<ImageReport, 'ways' | 'lacks'> {
  readonly findings: readonly Finding[];
  readonly recorded: readonly RecordReference[];
}

/** The images that a root needs, by its record, and those that its tree names besides. */
export function imagesOf(seen: SeenRoot, situation: Situation): SeenImages {
  const recorded = [...needed(seen, situation), ...brought(seen, situation)];
  const images = [...recorded, ...wanting(seen, namesOf(recorded))];
  const all = [...images, ...named(seen, situation, namesOf(images))];
  const counts = new Map<State, number>();
  for (const { state } of all) counts.set(state, (counts.get(state) ?? 0) + 1);
  return { images: all, counts };
}

/** The section of a root. */
export function rootReport(seen: SeenRoot, { images, counts }: SeenImages, room: Room): RootReport {
  const { status, tree } = seen;
  const survey = tree !== undefined && 'found' in tree ? tree.found : undefined;
  const naming = Map.groupBy(survey?.references ?? [], ({ image }) => image);
  return {
    id: status.id,
    location: shortened(status.location),
    role: status.role,
    state: status.state,
    staged: status.staged,
    lacks: room.take(some(distinctOf(status.findings), MOST_SAID), lackOf),
    images: room.take(some(images.toSorted(troubleFirst), MOST_IMAGES), (image) =>
      imageReport(image, naming.get(image.name) ?? []),
    ),
    counts,
    notes: room.take(some(unboundProblems(survey), MOST_SAID), noteOf),
    unread: tree !== undefined && 'unread' in tree ? tree.unread : undefined,
  };
}

function imageReport(image: SeenImage, references: readonly BoundReference[]): ImageReport {
  const { findings, recorded, ...rest } = image;
  return {
    ...rest,
    name: shortened(image.name),
    lacks: distinctOf(findings).slice(0, 3).map(lackOf),
    ways: waysTo(references, recorded, image.engine),
  };
}

function troubleFirst(a: SeenImage, b: SeenImage): number {
  const ranks = order.indexOf(a.state) - order.indexOf(b.state);
  if (isTrouble(a.state) !== isTrouble(b.state) || (isTrouble(a.state) && ranks !== 0))
    return ranks;
  const [isUnbound, other] = [a.state === 'unbound', b.state === 'unbound'];
  if (isUnbound !== other) return Number(isUnbound) - Number(other);
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

/** The images on record. */
function needed({ status, record }: SeenRoot, { engines }: Situation): readonly SeenImage[] {
  const contents = record?.staged ?? record?.pending;
  const recorded = new Map<string, readonly RecordReference[]>();
  for (const { names } of contents?.images ?? [])
    for (const { name, references } of names) recorded.set(name, references);
  for (const { name, references } of contents?.provided ?? []) recorded.set(name, references);
  const about = Map.groupBy(status.findings, ({ id }) => id);
  return status.images.map((image): SeenImage => {
    const on = engines.get(image.engine)?.images.get(image.id);
    return {
      name: image.name,
      engine: image.engine,
      state: stateOf(image.state, on?.artifact === true),
      isDrifted: status.drifted.includes(image.name),
      digest: image.digest,
      id: image.id,
      size: on?.size,
      findings: (about.get(image.id) ?? []).filter(
        ({ engine, name }) => engine === image.engine && (name ?? image.name) === image.name,
      ),
      recorded: recorded.get(image.name) ?? [],
    };
  });
}

/** The images that only a stage after the last whole one wants, and that it has brought before it broke off. */
function brought({ status, record }: SeenRoot, { engines }: Situation): readonly SeenImage[] {
  const known = namesOf(status.images);
  return (record?.pending?.images ?? []).flatMap(({ id, engine, names }) => {
    const on = engines.get(engine);
    const found = on?.images.get(id);
    if (found === undefined) return [];
    const isPinned = on?.pins.some((pin) => pin.root === status.id && pin.id === id);
    return names
      .filter(({ name }) => !known.has(name))
      .map(
        ({ name, digest, references }): SeenImage => ({
          name,
          engine,
          state: isPinned ? 'pinned' : 'loose',
          isDrifted: false,
          digest,
          id,
          size: found.size,
          findings: [],
          recorded: references,
        }),
      );
  });
}

/** The images that only findings name: a stage that has not ended did not resolve or bring them. */
function wanting({ status }: SeenRoot, known: ReadonlySet<string>): readonly SeenImage[] {
  const named = status.findings.filter(({ name }) => name !== undefined && !known.has(name));
  return [...Map.groupBy(named, ({ name }) => name)].map(([name = '', findings]): SeenImage => {
    // That a stage has not ended is said of the whole root, with one name as the example.
    const about = findings.find(({ code }) => code !== 'unfinished');
    return {
      name,
      engine: about?.engine,
      state: about === undefined ? 'unknown' : stateOf(about.code, false),
      isDrifted: false,
      digest: undefined,
      id: about?.id,
      size: undefined,
      findings,
      recorded: [],
    };
  });
}

/** The images that only the tree names: all images of a root that is not staged, else those that are not bound. */
function named(
  { tree }: SeenRoot,
  { engines }: Situation,
  known: ReadonlySet<string>,
): readonly SeenImage[] {
  if (tree === undefined || 'unread' in tree) return [];
  const names = Map.groupBy(
    tree.found.references.filter(({ image }) => image !== undefined && !known.has(image)),
    ({ image }) => image ?? '',
  );
  return [...names].map(([name, references]): SeenImage => {
    const engine = references.find((reference) => reference.engine !== undefined)?.engine;
    const on = engine === undefined ? undefined : engines.get(engine);
    const found = on === undefined ? undefined : imageNamed(name, on.images);
    const isBound = references.some(({ decision }) => decision.bound);
    const there = on === undefined ? 'unknown' : found === undefined ? 'missing' : 'loose';
    return {
      name,
      engine,
      state: isBound ? there : 'unbound',
      isDrifted: false,
      digest: undefined,
      id: found?.id,
      size: found?.size,
      findings: [],
      recorded: [],
    };
  });
}

function namesOf(images: readonly { readonly name: string }[]): ReadonlySet<string> {
  return new Set(images.map(({ name }) => name));
}

/** The findings, each once: images may share one. */
function distinctOf(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((found) => [found.message, found])).values()];
}

function lackOf({ code, message, hint, problem }: Finding): Lack {
  return { code: problem?.code ?? code, message: shortened(message), hint: shortened(hint) };
}

/** The problems of a tree that concern nothing bound, each once: units may share one. */
function unboundProblems(survey: Survey | undefined): readonly SurveyProblem[] {
  const problems = (survey?.problems ?? []).filter(({ bound }) => !bound);
  const keyed = problems.map((problem): [string, SurveyProblem] => {
    const { code, path, line = '', message } = problem;
    return [`${code} ${path}:${line} ${message}`, problem];
  });
  return [...new Map(keyed).values()];
}

function noteOf({ code, path, line, message, hint }: SurveyProblem): Note {
  const place = shortened(line === undefined ? path : `${path}:${line}`);
  return { code, place, message: shortened(message), hint: shortened(hint) };
}
