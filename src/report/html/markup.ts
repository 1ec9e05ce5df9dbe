import { shown } from '../../common/shown.ts';

/** A piece of HTML, in which every text from outside is escaped. Only the tag `html` makes one of such texts. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Markup | undefined | readonly Value[];

/**
 * The tag of all HTML of a report: `` html`<td>${name}</td>` ``. Every value is text, safe by `shown` and escaped, also
 * in attributes in quotes; pieces of HTML stay as they are, lists are joined, and undefined is nothing.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(
    strings
      .map((string, index) => (index === 0 ? '' : textOf(values[index - 1])) + string)
      .join(''),
  );
}

function textOf(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(textOf).join('');
  return escaped(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return shown(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
