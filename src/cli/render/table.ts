import { styleText } from 'node:util';
import { shown } from '../../common/shown.ts';

/** A cell of a table: text, or text with a colour. */
export type Cell = string | { readonly text: string; readonly colour: Colour };
export type Colour = 'green' | 'yellow' | 'red' | 'dim';

/**
 * A table with columns aligned by spaces and a header in capitals, for people and for `awk`. Colours are
 * used only where `stream` is a terminal and `NO_COLOR` is not set.
 */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  stream: NodeJS.WritableStream,
): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, widthOf(row[column] ?? '')), 0),
  );
  // A very long cell must not widen every row.
  const padded = widths.map((width) => Math.min(width, WIDEST));
  return all
    .map((row, index) =>
      row
        .map((cell, column) => {
          const last = column === row.length - 1;
          const missing = Math.max(0, (padded[column] ?? 0) - widthOf(cell));
          const padding = last ? '' : ' '.repeat(missing);
          return (
            paint(index === 0 ? { text: textOf(cell), colour: 'dim' } : cell, stream) + padding
          );
        })
        .join('   ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The widest column, in characters. Image names have at most 512. */
const WIDEST = 512;

/** Text in its colour, if the stream shows colours. */
export function paint(cell: Cell, stream: NodeJS.WritableStream): string {
  return typeof cell === 'string' ? shown(cell) : styleText(cell.colour, textOf(cell), { stream });
}

function textOf(cell: Cell): string {
  return shown(typeof cell === 'string' ? cell : cell.text);
}

function widthOf(cell: Cell): number {
  return textOf(cell).length;
}
