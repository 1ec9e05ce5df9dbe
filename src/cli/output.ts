import type * as v from 'valibot';
import type { Format } from './options.ts';
import { shownJson, shownLine } from './render/shown.ts';
import type * as schemas from './schemas.ts';

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
      return [[...faces.refs()].map(shownLine).join('')];
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
      yield inside({ value }, '{\n  "value": ', '\n}');
      continue;
    }
    for (const [index, element] of value.entries()) {
      yield `${index === 0 ? '[' : ','}\n    `;
      yield inside({ list: [element] }, '{\n  "list": [\n    ', '\n  ]\n}');
    }
    yield '\n  ]';
  }
  yield '\n}\n';
}

/** The text of a document without what stands around the part of interest, indented as in there. */
function inside(document: object, before: string, after: string): string {
  return shownJson(document, 2).slice(before.length, -after.length);
}
