/**
 * Texts that must stand in no message: values of files that not everybody may read, and names made
 * of them. One list for the whole process, since whoever prints can't know where a text came from:
 * a registry's error quotes a tag, a table the name that a record has.
 */
const concealed = new Map<string, string>();

/** Parts of values, which are concealed where they stand as whole words. */
const parts = new Set<string>();

/** What matches the longest concealed text at a place; made anew when one was added. */
let pattern: RegExp | undefined;

/** Shorter values, `1` or `yes`, are in every text: they are concealed in whole names alone. */
const SHORTEST = 4;
const LONGEST = 4096;
/** More than the units of any host use. */
const MOST = 10_000;

const NOTHING = '***';

/**
 * Keeps a text out of all that this process prints.
 *
 * @param shown what stands in its place.
 * @returns false if the text can't be kept out, as there are too many or it is too long: then it
 *   must not be used.
 */
export function conceal(text: string, shown = NOTHING): boolean {
  if (text.length < SHORTEST || concealed.has(text)) return true;
  if (!hasRoom(text)) return false;
  concealed.set(text, shown);
  // As messages quote it.
  const quoted = JSON.stringify(text).slice(1, -1);
  if (quoted !== text) concealed.set(quoted, shown);
  pattern = undefined;
  return true;
}

/** As `conceal`, and the parts of which a shell or a registry speaks one by one: words, repository, tag. */
export function concealValue(value: string): boolean {
  return conceal(value) && value.split(/[/:@\s]+/).every(concealPart);
}

function concealPart(part: string): boolean {
  if (part.length < SHORTEST || concealed.has(part) || parts.has(part)) return true;
  if (!hasRoom(part)) return false;
  parts.add(part);
  pattern = undefined;
  return true;
}

function hasRoom(text: string): boolean {
  return text.length <= LONGEST && concealed.size + parts.size < MOST;
}

/** The text as it may be printed. */
export function withoutConcealed(text: string): string {
  if (concealed.size === 0) return text;
  pattern ??= patternOf([...concealed.keys()], [...parts]);
  return text.replace(pattern, (found) => concealed.get(found) ?? NOTHING);
}

/**
 * The beginning of a text, for a message. What must not be printed is taken out first: of a text that is
 * cut in the middle nobody could tell any more.
 */
export function cutShort(text: string, characters: number): string {
  const shown = withoutConcealed(text);
  return shown.length > characters ? `${shown.slice(0, characters)}…` : shown;
}

/** What of the concealed stands in a text, so that who reads the text later conceals that again. */
export function concealedIn(text: string): readonly { text: string; shown: string }[] {
  const all = [...concealed, ...[...parts].map((part) => [part, NOTHING] as const)];
  return all
    .filter(([value]) => text.includes(value))
    .map(([value, shown]) => ({ text: value, shown }));
}

function patternOf(anywhere: readonly string[], words: readonly string[]): RegExp {
  const alternatives = (texts: readonly string[]) =>
    texts
      .toSorted((a, b) => b.length - a.length)
      .map(escaped)
      .join('|');
  const ofWords =
    words.length === 0 ? '' : `|(?<![\\p{L}\\p{N}_])(?:${alternatives(words)})(?![\\p{L}\\p{N}_])`;
  return new RegExp(alternatives(anywhere) + ofWords, 'gu');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
