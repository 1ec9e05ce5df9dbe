import type * as v from 'valibot';
import { systemErrorCode } from '../common/errors.ts';
import type * as schemas from '../documents/schemas.ts';
import { CliError } from './errors.ts';
import type { Format } from './options.ts';
import { exitCodes, printFailure } from './render/failure.ts';
import { nameLine, shownJson } from './render/shown.ts';
import { dieBy } from './signals.ts';
import { onFailure, writeOut } from './standard-streams.ts';

type Output = {
  [K in keyof typeof schemas]: v.InferOutput<(typeof schemas)[K]>;
}[keyof typeof schemas];

/** A result in each of the three formats. */
export interface Faces<T extends Output> {
  readonly json: () => T;
  readonly table: () => string;
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

/** How many characters are written at once: a system call for each element would take long. */
const PIECE = 8000;

function textOf<T extends Output>(format: Format, faces: Faces<T>): Iterable<string> {
  switch (format) {
    case 'json':
      return jsonText(faces.json());
    case 'table':
      return [faces.table()];
    case 'refs':
      return [[...faces.refs()].map(nameLine).join('')];
  }
}

/**
 * The text of `JSON.stringify(document, undefined, 2)`, one list element at a time: lists can be long, and
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
    for (const [index, element] of value.entries()) {
      yield `${index === 0 ? '[' : ','}\n    `;
      yield inside({ [key]: [element] }, `{\n  ${JSON.stringify(key)}: [\n    `, '\n  ]\n}');
    }
    yield '\n  ]';
  }
  yield '\n}\n';
}

/** The indented text of a document without the given beginning and end. */
function inside(document: object, before: string, after: string): string {
  return shownJson(document, 2).slice(before.length, -after.length);
}
