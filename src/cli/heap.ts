import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Keeps the heap small by clearing it often. On a root of 20,000 units this saves half of the memory
 * for a tenth more processor time. Don't call it at the start of the program: V8 drops the cached code of Node's own
 * modules when the flags differ from those that the cache was made with.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
}

/** How often a function runs before V8 optimises it; 400 by default. */
const CALLS = 8000;

/**
 * Has V8 optimise only what runs very often. On a root of 2,000 units the optimising compilers would otherwise take a
 * third of all processor time, more than they win. On a root of 20,000, code that is never optimised takes a quarter
 * more.
 */
function optimiseLate(): void {
  setFlagsFromString('--no-opt');
  setFlagsFromString(`--invocation-count-for-maglev=${CALLS}`);
}

/** For the reading of a root. */
export function suitReading(): void {
  keepHeapSmall();
  optimiseLate();
}

/**
 * For a command that waits for weeks and seldom works: the least memory, at the cost of speed. Without its
 * optimising compilers V8 touches fewer pages of its own program.
 */
export function keepProcessSmall(): void {
  for (const compiler of ['opt', 'maglev', 'sparkplug']) setFlagsFromString(`--no-${compiler}`);
  setFlagsFromString('--max-semi-space-size=1');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--optimize-for-size');
}

/** In milliseconds: after so much time without work a process that waits gives back memory. */
const CALM = 2000;

/**
 * Gives memory back to the system whenever a process has been without work for a while. V8 by itself keeps what the work
 * needed: after the start of a watch 5 MB of 63.
 *
 * @returns a function that is called at the end of each piece of work.
 */
export function givingBack(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') return () => undefined;
  const giveBack = () => void collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  let timer: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(giveBack, CALM).unref();
  };
}

/** Ends `suitReading` after a root was read: a download then takes a tenth less processor time. */
export function suitDownloads(): void {
  setFlagsFromString('--heap-growing-percent=0');
  setFlagsFromString('--opt');
  setFlagsFromString('--invocation-count-for-maglev=400');
}
