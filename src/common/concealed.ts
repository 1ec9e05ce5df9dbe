/**
 * Texts that no message may show: values of files that not everybody may read, and names made of
 * them. The whole process has one list, since whoever prints can't know where a text came from: a
 * registry's error quotes a tag, a table shows the name that a record has.
 */
const anywhere = new Map<string, Concealed>();

/** Parts of values, which are concealed where they stand as whole words. */
const parts = new Map<string, Concealed>();

/** Matches the longest concealed text at a place; made anew when the list has changed. */
let pattern: RegExp | undefined;

interface Concealed {
  /** Stands in the place of the text. */
  readonly shown: string;
  /** The runs that were under way when the text was concealed; undefined if there was none. */
  readonly runs: Set<ConcealingRun> | undefined;
}

/** Shorter values, `1` or `yes`, are in every text: they are concealed in whole names alone. */
const SHORTEST = 4;
const LONGEST = 4096;
/** More than the units of any host use. */
const MOST = 10_000;

const NOTHING = '***';

const underWay = new Set<ConcealingRun>();

export interface ConcealingRun {
  end(): void;
}

/**
 * Lets a process that makes many runs forget what it concealed: a text is kept until the last of the
 * runs has ended that were under way when it was concealed, since it may belong to any of them. What
 * is concealed outside of any run is kept as long as the process.
 */
export function beginConcealing(): ConcealingRun {
  const run: ConcealingRun = {
    end: () => {
      underWay.delete(run);
      for (const list of [anywhere, parts]) forgetRun(list, run);
      pattern = undefined;
    },
  };
  underWay.add(run);
  return run;
}

function forgetRun(list: Map<string, Concealed>, run: ConcealingRun): void {
  for (const [text, { runs }] of list) {
    if (runs?.delete(run) === true && runs.size === 0) list.delete(text);
  }
}

/**
 * Keeps a text out of all that this process prints.
 *
 * @param shown stands in the place of the text.
 * @returns false if the text can't be concealed, as it is too long or there are too many: then it
 *   must not be used.
 */
export function conceal(text: string, shown = NOTHING): boolean {
  if (text.length < SHORTEST) return true;
  if (!hasRoom(anywhere, text)) return false;
  keep(anywhere, text, shown);
  // As messages quote it.
  const quoted = JSON.stringify(text).slice(1, -1);
  if (quoted !== text) keep(anywhere, quoted, shown);
  return true;
}

/**
 * As `conceal`, and the parts of which a shell or a registry speaks one by one: words, repository,
 * tag.
 */
export function concealValue(value: string): boolean {
  return conceal(value) && value.split(/[/:@\s]+/).every(concealPart);
}

function concealPart(part: string): boolean {
  if (part.length < SHORTEST) return true;
  const list = anywhere.has(part) ? anywhere : parts;
  if (!hasRoom(list, part)) return false;
  keep(list, part, NOTHING);
  return true;
}

function hasRoom(list: ReadonlyMap<string, Concealed>, text: string): boolean {
  return list.has(text) || (text.length <= LONGEST && anywhere.size + parts.size < MOST);
}

function keep(list: Map<string, Concealed>, text: string, shown: string): void {
  const before = list.get(text);
  const isForEver = underWay.size === 0 || (before !== undefined && before.runs === undefined);
  const runs = isForEver ? undefined : new Set([...(before?.runs ?? []), ...underWay]);
  list.set(text, { shown: before?.shown ?? shown, runs });
  if (before === undefined) pattern = undefined;
}

/** A text, and what stands in its place. */
export interface ConcealedText {
  readonly text: string;
  readonly shown: string;
}

/** All that is concealed, for another thread of this process to conceal as well. */
export function allConcealed(): {
  readonly texts: readonly ConcealedText[];
  readonly parts: readonly string[];
} {
  return {
    texts: [...anywhere].map(([text, { shown }]) => ({ text, shown })),
    parts: [...parts.keys()],
  };
}

/**
 * Conceals what another thread has concealed.
 *
 * @returns false if there is too much of it: then nothing that comes from there must be used.
 */
export function concealAll({ texts, parts: words }: ReturnType<typeof allConcealed>): boolean {
  return texts.every(({ text, shown }) => conceal(text, shown)) && words.every(concealPart);
}

/** Whether any text must not be shown. */
export function concealsAnything(): boolean {
  return anywhere.size > 0;
}

/** The text as it may be printed. */
export function withoutConcealed(text: string): string {
  if (anywhere.size === 0) return text;
  pattern ??= patternOf([...anywhere.keys()], [...parts.keys()]);
  return text.replace(pattern, (found) => anywhere.get(found)?.shown ?? NOTHING);
}

/**
 * The beginning of a text, for a message. Concealed texts are taken out first: one that is cut in the
 * middle would not be found any more.
 */
export function cutShort(text: string, characters: number): string {
  const shown = withoutConcealed(text);
  return shown.length > characters ? `${shown.slice(0, characters)}…` : shown;
}

/** The concealed texts that a text has in it, for its later readers to conceal them again. */
export function concealedIn(text: string): readonly ConcealedText[] {
  return [...anywhere, ...parts]
    .filter(([value]) => text.includes(value))
    .map(([value, { shown }]) => ({ text: value, shown }));
}

function patternOf(texts: readonly string[], words: readonly string[]): RegExp {
  const alternatives = (of: readonly string[]) =>
    of
      .toSorted((a, b) => b.length - a.length)
      .map(escaped)
      .join('|');
  const ofWords =
    words.length === 0 ? '' : `|(?<![\\p{L}\\p{N}_])(?:${alternatives(words)})(?![\\p{L}\\p{N}_])`;
  return new RegExp(alternatives(texts) + ofWords, 'gu');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
