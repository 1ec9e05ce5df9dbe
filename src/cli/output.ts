import type * as v from 'valibot';
import { systemErrorCode } from '../common/errors.ts';
import type * as schemas from '../documents/schemas.ts';
import { CliError } from './errors.ts';
import type { Format } from './options.ts';
import { exitCodes, printFailure } from './render/failure.ts';
import { nameLine, shownJson } from './render/shown.ts';
import type { Look } from './render/table.ts';
import { dieBy } from './signals.ts';
import { mayBeTerminal, onFailure, writeOut } from './standard-streams.ts';

type Output = {
  [K in keyof typeof schemas]: v.InferOutput<(typeof schemas)[K]>;
}[keyof typeof schemas];

/** A result in each of the three formats. */
export interface Faces<T extends Output> {
  readonly json: () => T;
  /** Also with `--format wide`. */
  readonly table: (look: Look) => string;
  /** The images, one per line, as input for `berth pull -` and `xargs podman pull`. */
  readonly refs: () => Iterable<string>;
}

/**
 * Handles failures to write to standard output and standard error. If the reader of the result has gone,
 * berth ends by SIGPIPE, as other programs do. Any other failure to write the result is printed in two
 * lines and decides the exit code. Failures of standard error are ignored: it carries no result.
 */
export function watchOutput(): { readonly isBroken: () => boolean } {
  let isBroken = false;
  onFailure('stdout', (error) => {
    if (systemErrorCode(error) === 'EPIPE') dieBy('SIGPIPE');
    if (isBroken) return;
    isBroken = true;
    const message = `can't write the result to standard output: ${error.message}`;
    const hint = 'make space there, or send it elsewhere; the command itself has done its work';
    printFailure(new CliError('output', message, { hint }), false);
    process.once('exit', () => {
      process.exitCode = exitCodes.failed;
    });
  });
  onFailure('stderr', () => undefined);
  return { isBroken: () => isBroken };
}

/** Writes a result to standard output in the requested format. */
export function print<T extends Output>(format: Format, faces: Faces<T>): void {
  let piece = '';
  for (const text of textOf(format, faces)) {
    piece += text;
    if (piece.length < PIECE) continue;
    writeOut(piece);
    piece = '';
  }
  writeOut(piece);
}

/** How a table is shown: as wide as a terminal, or as wide as its texts where it goes elsewhere. */
export function lookOf(name: 'stdout' | 'stderr', format: string): Look {
  const stream = process[name];
  const isTerminal = mayBeTerminal(name === 'stdout' ? 1 : 2);
  // A terminal that nobody has given a size says 0.
  const width = isTerminal && stream.columns > 0 ? stream.columns : undefined;
  return { wide: format === 'wide', ...(width === undefined ? {} : { width }), stream };
}

/** How many characters are written at once: a system call for each element would take long. */
const PIECE = 8000;

function textOf<T extends Output>(format: Format, faces: Faces<T>): Iterable<string> {
  switch (format) {
    case 'json':
      return jsonText(faces.json());
    case 'table':
    case 'wide':
      return [faces.table(lookOf('stdout', format))];
    case 'refs':
      return [[...faces.refs()].map(nameLine).join('')];
  }
}

/**
 * The text of `JSON.stringify(document, undefined, 2)`, some elements of a list at a time: lists can be long, and
 * the whole text would have to be held in memory.
 */
export function* jsonText(document: object): Iterable<string> {
  let separator = '{\n';
  for (const [key, value] of Object.entries(document)) {
    if (value === undefined) continue;
    yield `${separator}  ${shownJson(key)}: `;
    separator = ',\n';
    if (!Array.isArray(value) || value.length === 0) {
      yield inside({ [key]: value }, `{\n  ${JSON.stringify(key)}: `, '\n}');
      continue;
    }
    for (let at = 0; at < value.length; at += TOGETHER) {
      const elements: readonly unknown[] = value.slice(at, at + TOGETHER);
      yield `${at === 0 ? '[' : ','}\n    `;
      yield inside({ [key]: elements }, `{\n  ${JSON.stringify(key)}: [\n    `, '\n  ]\n}');
    }
    yield '\n  ]';
  }
  yield '\n}\n';
}

/** How many elements of a list become text at once: one call for each takes twice as long. */
const TOGETHER = 32;

/** The indented text of a document without the given beginning and end. */
function inside(document: object, before: string, after: string): string {
  return shownJson(document, 2).slice(before.length, -after.length);
}
