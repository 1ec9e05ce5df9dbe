import { displayPath } from '../../root/names.ts';

/**
 * Text as people are shown it, whoever wrote it: on the command line, in a root, a registry or an
 * engine. All that berth prints goes through here or `shownJson`, and nothing that comes out steers a
 * terminal or makes a line of its own.
 */
export function shown(text: string): string {
  return displayPath(text);
}

/** The same, as a line of the output. */
export function shownLine(text: string): string {
  return `${shown(text)}\n`;
}

/** Several lines, such as a stack. */
export function shownLines(text: string): string {
  return text.split('\n').map(shown).join('\n');
}

/** As `JSON.stringify`, with what a terminal would obey as escapes of JSON. */
export function shownJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(unprintable, escapeUnits);
}

/** What `JSON.stringify` leaves as it is, and a terminal would obey. */
const unprintable = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

function escapeUnits(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
