import { styleText } from 'node:util';
import { shown } from '../../common/shown.ts';
import { type Column, fitted, GAP } from './fit.ts';

/** A cell of a table: text, or text with a colour. */
export type Cell = string | { readonly text: string; readonly colour: Colour };
export type Colour = 'green' | 'yellow' | 'red' | 'dim';

/** How much of a table is shown, and where. */
export interface Look {
  /** All columns, nothing shortened: `--format wide`. */
  readonly wide: boolean;
  /** The width of the terminal, in characters. Absent elsewhere, where tables may be of any width. */
  readonly width?: number;
  readonly stream: NodeJS.WritableStream;
}

/**
 * A table with columns aligned by spaces and a header in capitals, for people and for `awk`. Colours are
 * used only where `look.stream` is a terminal and `NO_COLOR` is not set. On a terminal, a column that says
 * the same in all rows is left out and told in a line below, and long names are shortened.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  look: Look,
): string {
  const texts = rows.map((row) => row.map(textOf));
  const { shownColumns, said } = fitted(columns, texts, look);
  const { stream } = look;
  const last = shownColumns.at(-1);
  const line = (cells: readonly string[], painted: (index: number, text: string) => string) =>
    `${shownColumns
      .map((column) => {
        const text = column.shorten(cells[column.index] ?? '');
        const padding = column === last ? '' : ' '.repeat(Math.max(0, column.width - text.length));
        return text === '' ? padding : painted(column.index, text) + padding;
      })
      .join(GAP)
      .trimEnd()}\n`;
  const header = line(
    columns.map(({ header }) => header),
    (_, text) => styleText('dim', text, { stream }),
  );
  const body = rows.map((row, number) =>
    line(withoutRepeats(columns, texts, number), (index, text) => {
      const cell = row[index];
      return typeof cell === 'object' ? styleText(cell.colour, text, { stream }) : text;
    }),
  );
  return [
    header,
    ...body,
    ...said.map((text) => `${paint({ text, colour: 'dim' }, stream)}\n`),
  ].join('');
}

/** The texts of a row. The columns that a group shares are empty in all rows of the group but the first. */
function withoutRepeats(
  columns: readonly Column[],
  texts: readonly (readonly string[])[],
  number: number,
): readonly string[] {
  const own = texts[number] ?? [];
  const before = texts[number - 1];
  if (before === undefined || columns[0]?.group === undefined) return own;
  const isSame = columns.every(({ group }, i) => group === undefined || own[i] === before[i]);
  return isSame ? own.map((text, i) => (columns[i]?.group === undefined ? text : '')) : own;
}

/** Text in its colour, if the stream shows colours. */
export function paint(cell: Cell, stream: NodeJS.WritableStream): string {
  return typeof cell === 'string' ? shown(cell) : styleText(cell.colour, textOf(cell), { stream });
}

function textOf(cell: Cell): string {
  return shown(typeof cell === 'string' ? cell : cell.text);
}
