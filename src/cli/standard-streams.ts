import { fstatSync, writeSync } from 'node:fs';
import { systemErrorCode } from '../common/errors.ts';

// Node's streams for standard output and standard error take milliseconds to load, and a result for a pipe or a
// file needs none.

const STANDARD_OUTPUT = 1;

/** The major number of /dev/null and its like (linux/major.h, `MEM_MAJOR`). */
const MEMORY = 1;

/** Whether a descriptor may be a terminal. */
export function mayBeTerminal(fd: number): boolean {
  const stats = fstatSync(fd);
  return stats.isCharacterDevice() && stats.rdev >> 8 !== MEMORY;
}

/** Handles the failures of one of Node's streams, from the first use of the stream on. */
export function onFailure(name: 'stdout' | 'stderr', handle: (error: Error) => void): void {
  const own = Object.getOwnPropertyDescriptor(process, name);
  if (own?.get === undefined) {
    process[name].on('error', handle);
    return;
  }
  const get = () => {
    const value: NodeJS.WriteStream = own.get?.call(process);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, value });
    return value.on('error', handle);
  };
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
}

/** Writes to standard output, by Node's stream only to a terminal and to a reader that is slower than berth. */
export function writeOut(text: string): void {
  const rest = mayBeTerminal(STANDARD_OUTPUT) ? text : unwritten(Buffer.from(text));
  if (rest !== undefined) process.stdout.write(rest);
}

/** Writes at once. @returns what is left for Node's stream, to write or to report why that fails. */
function unwritten(text: Buffer): Buffer | undefined {
  let rest = text;
  try {
    // An empty result, too: a full disk is a failure whatever the result.
    do rest = rest.subarray(writeSync(STANDARD_OUTPUT, rest));
    while (rest.length > 0);
    return undefined;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return rest;
  }
}
