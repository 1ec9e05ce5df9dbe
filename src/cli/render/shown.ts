import { concealsAnything, withoutConcealed } from '../../common/concealed.ts';
import { displayPath, isPlainAscii } from '../../common/path-bytes.ts';
import { shown } from '../../common/shown.ts';

/** A text as a line of output, safe by `shown`. */
export function shownLine(text: string): string {
  return `${shown(text)}\n`;
}

/**
 * The name of an image as a line for a program that fetches it. Nothing in the name is concealed, because
 * the program needs all of it.
 */
export function nameLine(name: string): string {
  return `${displayPath(name)}\n`;
}

/** Text of several lines, such as a stack: line breaks stay, and each line goes through `shown`. */
export function shownLines(text: string): string {
  return text.split('\n').map(shown).join('\n');
}

/**
 * As `JSON.stringify`, but characters that a terminal would obey become JSON escapes. Messages are
 * concealed like all text that people read; image names stay whole, because programs fetch by them.
 */
export function shownJson(value: unknown, indent?: number): string {
  // A function that sees each value takes most of the time, and few roots have texts to conceal.
  const text = JSON.stringify(value, concealsAnything() ? messagesShown : undefined, indent);
  return withEscapes(text);
}

/**
 * A progress event as JSON. Every text in it is concealed, because no program fetches images by progress
 * events.
 */
export function eventJson(event: object): string {
  const text = JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'string' ? withoutConcealed(value) : value,
  );
  return withEscapes(text);
}

/** The keys of documents that hold a message or a list of messages. */
const messageKeys: ReadonlySet<string> = new Set(['message', 'hint', 'warnings', 'reasons']);

function messagesShown(key: string, value: unknown): unknown {
  if (!messageKeys.has(key)) return value;
  if (typeof value === 'string') return withoutConcealed(value);
  if (!Array.isArray(value)) return value;
  return value.map((one: unknown) => (typeof one === 'string' ? withoutConcealed(one) : one));
}

/** Escapes the characters that `JSON.stringify` does not escape and a terminal would obey. */
function withEscapes(json: string): string {
  if (isPlainAscii(json)) return json;
  return json.replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, escapeUnits);
}

function escapeUnits(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
