import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';

// Functions that were compiled before have no counters for their loops, so this comes first: what a
// test imports is compiled when it is called.
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/**
 * Counts what work costs, in operations and not in seconds, so that a busy machine changes nothing:
 * the functions, branches and loops that ran, by V8's block coverage, and the characters and elements
 * that methods of strings, patterns and lists went through, which coverage does not see.
 */
export async function operationsOf(work: () => unknown): Promise<number> {
  const walked = watchMethods();
  try {
    await session.post('Profiler.takePreciseCoverage');
    await work();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const blocks = result
      .filter(({ url }) => !url.startsWith('node:') && url !== import.meta.url)
      .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
      .reduce((sum, { count }) => sum + count, 0);
    return blocks + walked.steps();
  } finally {
    walked.end();
  }
}

/** The largest growth of a cost that counts as linear when the input doubles. */
const LINEAR = 2.3;

/**
 * Fails if the cost of work more than doubles when its input does. A first run on a smaller input is not
 * counted: it loads what the work needs.
 *
 * @param make the input of a size.
 */
export async function assertLinear<T>(
  make: (size: number) => T,
  work: (input: T) => unknown,
  size: number,
): Promise<void> {
  await work(make(Math.ceil(size / 10)));
  const [few, many] = [make(size), make(size * 2)];
  const half = await operationsOf(() => work(few));
  const whole = await operationsOf(() => work(many));
  assert.ok(
    whole <= half * LINEAR,
    `expected at most ${LINEAR} times the operations for twice the input, found ${half}, then ${whole}`,
  );
}

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** Replaces methods of the language's own objects by ones that count; `end` puts the own ones back. */
function watchMethods(): { readonly steps: () => number; readonly end: () => void } {
  let steps = 0;
  const originals: (() => void)[] = [];
  const watch = (
    owner: object,
    names: readonly string[],
    cost: (self: unknown, given: readonly unknown[], result: unknown) => number,
  ) => {
    for (const name of names) {
      const own = Object.getOwnPropertyDescriptor(owner, name);
      const method: Method | undefined = own?.value;
      if (own === undefined || method === undefined) throw new TypeError(`no method ${name}`);
      const counting: Method = function (...given) {
        const result = method.apply(this, given);
        steps += cost(this, given, result);
        return result;
      };
      Object.defineProperty(owner, name, { ...own, value: counting });
      originals.push(() => Object.defineProperty(owner, name, own));
    }
  };
  watch(String.prototype, ['indexOf', 'search'], found);
  watch(String.prototype, ['includes', 'split', 'replaceAll', 'replace', 'matchAll'], whole);
  watch(String.prototype, ['toLowerCase', 'toUpperCase'], whole);
  watch(RegExp.prototype, ['exec', 'test'], matched);
  watch(Array.prototype, ['indexOf', 'findIndex'], found);
  watch(Array.prototype, ['lastIndexOf', 'findLastIndex'], foundFromEnd);
  watch(Array.prototype, ['includes', 'slice', 'concat', 'join', 'toReversed', 'toSorted'], whole);
  watch(Array.prototype, ['reverse', 'sort', 'shift', 'unshift', 'splice'], whole);
  watch(Array.prototype, ['flatMap', 'flat'], (_, __, result) => lengthOf(result));
  watch(Array, ['from'], (_, __, result) => lengthOf(result));
  watch(Object, ['entries', 'keys', 'values'], (_, __, result) => lengthOf(result));
  watch(Buffer.prototype, ['toString', 'copy', 'subarray'], (self, _, result) =>
    typeof result === 'string' ? result.length : lengthOf(self) > 0 ? 1 : 0,
  );
  return {
    steps: () => steps,
    end: () => {
      for (const restore of originals) restore();
    },
  };
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return value instanceof Uint8Array ? value.length : 0;
}

/** The cost of a search that stops at the first place. */
function found(self: unknown, [, from]: readonly unknown[], result: unknown): number {
  const start = typeof from === 'number' ? from : 0;
  const end = typeof result === 'number' && result >= 0 ? result : lengthOf(self);
  return Math.max(1, end - start);
}

function foundFromEnd(self: unknown, _: readonly unknown[], result: unknown): number {
  return lengthOf(self) - (typeof result === 'number' ? result : 0);
}

function whole(self: unknown): number {
  return 1 + lengthOf(self);
}

/** The characters up to the end of a match. A pattern that begins with `^` gives up at once. */
function matched(self: unknown, [text]: readonly unknown[], result: unknown): number {
  const isAnchored = self instanceof RegExp && self.source.startsWith('^') && !self.multiline;
  const isSticky = self instanceof RegExp && self.sticky;
  if (result === null || result === false) return isAnchored || isSticky ? 1 : 1 + lengthOf(text);
  if (typeof result === 'boolean') return 1;
  if (!Array.isArray(result)) return 1;
  const [match] = result as RegExpExecArray;
  return 1 + match.length;
}
