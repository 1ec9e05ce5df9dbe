import type * as v from 'valibot';
import { displayPath } from '../root/names.ts';
import type { Format } from './options.ts';
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
  process.stdout.write(textOf(format, faces));
}

function textOf<T extends Output>(format: Format, faces: Faces<T>): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(faces.json(), showBytes, 2).replace(unprintable, escapeUnits)}\n`;
    case 'table':
      return faces.table();
    case 'refs':
      return [...faces.refs()].map((line) => `${displayPath(line)}\n`).join('');
  }
}

/** What `JSON.stringify` leaves as it is, and a terminal would obey. */
const unprintable = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

function escapeUnits(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** Bytes that are not UTF-8 stand as `\xNN`. */
function showBytes(_key: string, value: unknown): unknown {
  return typeof value === 'string' && !value.isWellFormed() ? displayPath(value) : value;
}
