import { withoutConcealed } from '../../common/concealed.ts';
import { displayPath } from '../../common/path-bytes.ts';

/**
 * Text as people are shown it, whoever wrote it: on the command line, in a root, a registry or an
 * engine. All that berth prints goes through here or `shownJson`, and nothing that comes out steers a
 * terminal, makes a line of its own, or quotes what not everybody may read.
 */
export function shown(text: string): string {
  return displayPath(withoutConcealed(text));
}

/** The same, as a line of the output. */
export function shownLine(text: string): string {
  return `${shown(text)}\n`;
}

/** The name of an image as a line for a program that fetches by it: whole, whatever is in it. */
export function nameLine(name: string): string {
  return `${displayPath(name)}\n`;
}

/** Several lines, such as a stack. */
export function shownLines(text: string): string {
  return text.split('\n').map(shown).join('\n');
}

/**
 * As `JSON.stringify`, with what a terminal would obey as escapes of JSON. Messages quote nothing that
 * not everybody may read; the names of images stay what they are, for whoever fetches by them.
 */
export function shownJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, messagesShown, indent).replace(unprintable, escapeUnits);
}

/** The same with all texts as messages have them: who follows the progress fetches nothing by it. */
export function eventJson(event: object): string {
  const text = JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'string' ? withoutConcealed(value) : value,
  );
  return text.replace(unprintable, escapeUnits);
}

/** The keys of documents under which there are messages, one or several. */
const messageKeys: ReadonlySet<string> = new Set(['message', 'hint', 'warnings', 'reasons']);

function messagesShown(key: string, value: unknown): unknown {
  if (!messageKeys.has(key)) return value;
  if (typeof value === 'string') return withoutConcealed(value);
  if (!Array.isArray(value)) return value;
  return value.map((one: unknown) => (typeof one === 'string' ? withoutConcealed(one) : one));
}

/** What `JSON.stringify` leaves as it is, and a terminal would obey. */
const unprintable = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

function escapeUnits(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
