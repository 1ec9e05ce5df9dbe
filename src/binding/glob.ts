/** The most steps of all comparisons of one list of globs with texts. */
export const mostSteps = 200_000_000;

/** A list of globs, to find the first one that matches. */
export class Globs {
  /** The index of each glob without wildcards, which is found without a comparison. */
  readonly #plain = new Map<string, number>();
  readonly #wild: { readonly glob: string; readonly index: number }[] = [];
  #left = mostSteps;

  constructor(globs: readonly string[]) {
    for (const [index, glob] of globs.entries()) {
      if (/[*?]/.test(glob)) this.#wild.push({ glob, index });
      else if (!this.#plain.has(glob)) this.#plain.set(glob, index);
    }
  }

  /** Whether the steps are used up. From then on no glob with wildcards matches. */
  get isSpent(): boolean {
    return this.#left < 0;
  }

  /** The first glob of the list that matches one of the texts. */
  first(texts: readonly string[]): string | undefined {
    if (this.#plain.size + this.#wild.length === 0) return undefined;
    const plain = texts
      .map((text) => ({ glob: text, index: this.#plain.get(text) ?? Number.POSITIVE_INFINITY }))
      .reduce((a, b) => (b.index < a.index ? b : a));
    for (const { glob, index } of this.#wild) {
      if (index > plain.index || this.isSpent) break;
      if (texts.some((text) => this.#matches(glob, text))) return glob;
    }
    return Number.isFinite(plain.index) ? plain.glob : undefined;
  }

  #matches(glob: string, text: string): boolean {
    const { isMatch, steps } = compared(glob, text);
    this.#left -= steps;
    return isMatch;
  }
}

/**
 * Whether a glob matches the whole text: `*` matches any run of characters (`/` too, since image
 * names are not paths), `?` any one character, and every other character only itself.
 *
 * Takes at most `pattern.length × text.length` steps, because only the last `*` is ever retried.
 */
export function globMatches(pattern: string, text: string): boolean {
  return compared(pattern, text).isMatch;
}

function compared(
  pattern: string,
  text: string,
): { readonly isMatch: boolean; readonly steps: number } {
  let p = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  let steps = 1;
  while (t < text.length) {
    steps++;
    if (pattern[p] === '*') {
      star = p++;
      starText = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++starText;
    } else {
      return { isMatch: false, steps };
    }
  }
  while (pattern[p] === '*') p++;
  return { isMatch: p === pattern.length, steps };
}
