/** The beginning of a line, which may be empty, or what else a command may stand behind. */
const beginning = /^|[;&|(!`{]|\b(?:then|do|else|if|while|until|exec|command)/gm;
const separator = /[;&|(!`{]|\b(?:then|do|else|if|while|until|exec|command)/y;
const assignment = /\w+=/y;
const program = /[A-Za-z][\w.-]*/y;
const blanks = /[ \t]*/y;
const run = /\S*/y;

/**
 * The words of a script that seem to be programs: the first of each command, behind assignments such as `A=b`. One
 * pattern for all that would read what follows an assignment again for each separator in its value.
 */
export function* programsInScript(code: string): Iterable<string> {
  const words = new Words(code);
  for (let from = 0; ; ) {
    beginning.lastIndex = from;
    const begun = beginning.exec(code);
    if (begun === null) return;
    const { index } = begun;
    // A separator may stand at the beginning of a line.
    const second = begun[0] === '' ? endOf(separator, code, index) : undefined;
    const found =
      words.programBehind(index + begun[0].length) ??
      (second === undefined ? undefined : words.programBehind(second));
    if (found !== undefined) yield found.name;
    from = found?.end ?? index + 1;
    if (from > code.length) return;
  }
}

/** A program, and where the word ends. */
interface Program {
  readonly name: string;
  readonly end: number;
}

/** The words of a script. What is behind an assignment is looked at once. */
class Words {
  readonly #code: string;
  /** By the place behind an assignment. */
  readonly #known = new Map<number, Program | undefined>();
  /** The last word with assignments at which commands began: where it is, and the next word. */
  #last = { from: 0, to: 0, next: 0 };

  constructor(code: string) {
    this.#code = code;
  }

  /** The program of the command at a place: the last word that can be one, behind as many assignments as there are. */
  programBehind(begin: number): Program | undefined {
    const at = this.#behindBlanks(begin);
    const places: number[] = [];
    let place = this.#behindFirst(at);
    while (place !== undefined && !this.#known.has(place)) {
      places.push(place);
      place = this.#behindAssignment(place);
    }
    let found = place === undefined ? undefined : this.#known.get(place);
    for (const one of places.reverse()) {
      found ??= this.#wordAt(one);
      this.#known.set(one, found);
    }
    return found ?? this.#wordAt(at);
  }

  /** As `#behindAssignment`, for one of many separators in a word, whose end is looked for once. */
  #behindFirst(at: number): number | undefined {
    if (endOf(assignment, this.#code, at) === undefined) return undefined;
    if (at < this.#last.from || at >= this.#last.to) {
      const to = endOf(run, this.#code, at) ?? at;
      this.#last = { from: at, to, next: this.#behindBlanks(to) };
    }
    const { to, next } = this.#last;
    return next > to ? next : undefined;
  }

  /** The place of the next word in the line, if an assignment stands here. */
  #behindAssignment(at: number): number | undefined {
    if (endOf(assignment, this.#code, at) === undefined) return undefined;
    const to = endOf(run, this.#code, at) ?? at;
    const next = this.#behindBlanks(to);
    return next > to ? next : undefined;
  }

  #behindBlanks(at: number): number {
    return endOf(blanks, this.#code, at) ?? at;
  }

  #wordAt(at: number): Program | undefined {
    const end = endOf(program, this.#code, at);
    return end === undefined ? undefined : { name: this.#code.slice(at, end), end };
  }
}

/** Where a match of a sticky pattern at a place ends. */
function endOf(pattern: RegExp, code: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(code) ? pattern.lastIndex : undefined;
}
