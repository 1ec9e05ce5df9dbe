import type * as v from 'valibot';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import type * as schemas from '../documents/schemas.ts';
import type { Format } from './options.ts';
import { exitCodes, printFailure } from './render/failure.ts';
import { nameLine, shownJson } from './render/shown.ts';
import { dieBy } from './signals.ts';

type Output = {
  [K in keyof typeof schemas]: v.InferOutput<(typeof schemas)[K]>;
}[keyof typeof schemas];

/** The three faces of a result. */
export interface Faces<T extends Output> {
  readonly json: () => T;
  readonly table: () => string;
  /** An image a line, as `berth pull -` and `xargs podman pull` take them. */
  readonly refs: () => Iterable<string>;
}

/**
 * Sees to standard output and standard error that can't be written. Where the reader of a result has
 * gone, berth ends by SIGPIPE, as other programs do: no failure to speak of, and no success. Any other
 * failure to write a result is one, said in two lines, whatever else the command answers. What goes to
 * standard error is no result.
 */
export function watchOutput(): { readonly isBroken: () => boolean } {
  let isBroken = false;
  process.stdout.on('error', (error) => {
    if (systemErrorCode(error) === 'EPIPE') dieBy('SIGPIPE');
    if (isBroken) return;
    isBroken = true;
    const message = `can't write the result to standard output: ${error.message}`;
    const hint = 'make space where it goes, or send it elsewhere; what the command does is done';
    printFailure(new BerthError('output', message, { hint }), false);
    process.once('exit', () => {
      process.exitCode = exitCodes.failed;
    });
  });
  process.stderr.on('error', () => undefined);
  return { isBroken: () => isBroken };
}

/** Writes a result to standard output in the format that was asked for. */
export function print<T extends Output>(format: Format, faces: Faces<T>): void {
  let piece = '';
  for (const text of textOf(format, faces)) {
    piece += text;
    if (piece.length < PIECE) continue;
    process.stdout.write(piece);
    piece = '';
  }
  process.stdout.write(piece);
}

/** Characters that are written at once: a call of the kernel for each element takes its time. */
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
 * What `JSON.stringify(document, undefined, 2)` gives, an element of a list at a time: a list can
 * be long, and nobody needs its text whole.
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

/** The text of a document without what stands around the part of interest, indented as in there. */
function inside(document: object, before: string, after: string): string {
  return shownJson(document, 2).slice(before.length, -after.length);
}
