/**
 * Texts that must stand in no message: values of files that not everybody may read, and names made
 * of them. One list for the whole process, since whoever prints can't know where a text came from:
 * a registry's error quotes a tag, a table the name that a record has.
 */
const concealed = new Map<string, string>();

/** What matches the longest concealed text at a place; made anew when one was added. */
let pattern: RegExp | undefined;

/** Shorter values, `1` or `yes`, are in every text: they are concealed in whole names alone. */
const SHORTEST = 4;
const LONGEST = 4096;
/** More than the units of any host use. */
const MOST = 10_000;

/**
 * Keeps a text out of all that this process prints.
 *
 * @param shown what stands in its place.
 * @returns false if the text can't be kept out, as there are too many or it is too long: then it
 *   must not be used.
 */
export function conceal(text: string, shown = '***'): boolean {
  if (text.length < SHORTEST || concealed.has(text)) return true;
  if (text.length > LONGEST || concealed.size >= MOST) return false;
  concealed.set(text, shown);
  pattern = undefined;
  return true;
}

/** As `conceal`, and the parts of which a shell or a registry speaks one by one: words, repository, tag. */
export function concealValue(value: string): boolean {
  return [value, ...value.split(/[/:@\s]+/)].every((text) => conceal(text));
}

/** The text as it may be printed. */
export function withoutConcealed(text: string): string {
  if (concealed.size === 0) return text;
  pattern ??= patternOf([...concealed.keys()]);
  return text.replace(pattern, (found) => concealed.get(found) ?? '***');
}

/** What of the concealed stands in a text, so that who reads the text later conceals that again. */
export function concealedIn(text: string): readonly { text: string; shown: string }[] {
  return [...concealed]
    .filter(([value]) => text.includes(value))
    .map(([value, shown]) => ({ text: value, shown }));
}

function patternOf(texts: readonly string[]): RegExp {
  const longestFirst = texts.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escaped).join('|'), 'g');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
