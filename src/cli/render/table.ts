import { styleText } from 'node:util';
import { shown } from './shown.ts';

/** A cell: text, or text in a colour that means something. */
export type Cell = string | { readonly text: string; readonly colour: Colour };
export type Colour = 'green' | 'yellow' | 'red' | 'dim';

/**
 * Columns aligned by spaces, a header in capitals: for people, and for `awk` as well. Colours only
 * where `stream` is a terminal (and `NO_COLOR` is not set).
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
  // A very long cell must not make every row as long.
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

/** In characters; names of images have at most 512. */
const WIDEST = 512;

/** Text in a colour, where the stream shows colours. */
export function paint(cell: Cell, stream: NodeJS.WritableStream): string {
  return typeof cell === 'string' ? shown(cell) : styleText(cell.colour, textOf(cell), { stream });
}

function textOf(cell: Cell): string {
  return shown(typeof cell === 'string' ? cell : cell.text);
}

function widthOf(cell: Cell): number {
  return textOf(cell).length;
}
