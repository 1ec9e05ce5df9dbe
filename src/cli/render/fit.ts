/** A column of a table. */
export interface Column {
  readonly header: string;
  /** Shown only with `--format wide`. */
  readonly wide?: true;
  /** Shown also where all rows say the same: what the table is about. */
  readonly always?: true;
  /** The end of its texts that may be cut off to fit the terminal. Names say most at their end. */
  readonly cut?: 'left' | 'right';
  /** Its texts stand in full below the table if the terminal is too narrow for all columns. */
  readonly below?: true;
  /** Neighbouring rows with the same texts in all such columns show them once. */
  readonly group?: true;
}

/** A column that is shown. */
export interface FittedColumn {
  /** Its place among all columns, from 0. */
  readonly index: number;
  /** In characters, without the gap to the next. */
  readonly width: number;
  shorten(text: string): string;
}

interface Fitted {
  readonly shownColumns: readonly FittedColumn[];
  /** What the columns say that were left out, in lines. */
  readonly said: readonly string[];
}

/**
 * Chooses the columns that are shown, and their widths.
 *
 * @param width of the terminal, in characters; without it, nothing is left out or shortened.
 */
export function fitted(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { wide, width }: { readonly wide: boolean; readonly width?: number },
): Fitted {
  const wanted = columns
    .map((column, index) => ({ ...column, index, texts: textsOf(rows, index) }))
    .filter((column) => wide || column.wide === undefined);
  if (wide || width === undefined) {
    const shownColumns = wanted.map(({ index, header, texts }) => {
      // A very long cell must not widen every row.
      const natural = Math.min(WIDEST, widest(header, texts));
      return { index, width: natural, shorten: (text: string) => text };
    });
    return { shownColumns, said: [] };
  }
  const same = rows.length < 2 ? [] : wanted.filter((column) => saysTheSame(column));
  const different = wanted.filter((column) => !same.includes(column));
  const isTooWide = sum(naturalWidths(different)) + gaps(different) > width;
  const kept = different.filter(({ below }) => below === undefined || !isTooWide);
  const said = same
    .filter(({ texts }) => texts[0] !== '')
    .map(({ header, texts }) => `${header} ${texts[0] ?? ''}`.trimStart());
  return {
    shownColumns: shrunk(kept, width),
    said: [
      ...(said.length === 0 ? [] : [`All rows: ${said.join(', ')}`]),
      ...different
        .filter((column) => !kept.includes(column))
        .flatMap(({ texts }) =>
          texts.flatMap((text, row) => (text === '' ? [] : [`${rows[row]?.[0] ?? ''}: ${text}`])),
        ),
    ],
  };
}

/** What stands between two columns. */
export const GAP = '  ';

/** The widest column, in characters. Image names have at most 512. */
const WIDEST = 512;

/** Columns are not cut shorter than this many characters, in a very narrow terminal than the second number. */
const NARROWEST = [12, 6] as const;

interface Wanted extends Column {
  readonly index: number;
  readonly texts: readonly string[];
}

function textsOf(rows: readonly (readonly string[])[], index: number): string[] {
  return rows.map((row) => row[index] ?? '');
}

function saysTheSame({ always, texts }: Wanted): boolean {
  return always === undefined && texts.every((text) => text === texts[0]);
}

function widest(header: string, texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), header.length);
}

function naturalWidths(columns: readonly Wanted[]): readonly number[] {
  return columns.map((column) => widest(column.header, column.texts.map(shorter(column))));
}

function gaps(columns: readonly Wanted[]): number {
  return GAP.length * (columns.length - 1);
}

/** Cuts the widest columns until all fit; where even that is too wide, leaves out columns that need not be there. */
function shrunk(columns: readonly Wanted[], width: number): readonly FittedColumn[] {
  const natural = naturalWidths(columns);
  const room = width - gaps(columns);
  const dispensable = columns.findLast(({ always }) => always === undefined);
  const least = NARROWEST[dispensable === undefined ? 1 : 0];
  const capped = (cap: number) =>
    natural.map((own, i) => (columns[i]?.cut === undefined ? own : Math.min(own, cap)));
  let cap = Math.min(
    WIDEST,
    natural.reduce((most, own) => Math.max(most, own), 0),
  );
  while (cap > least && sum(capped(cap)) > room) cap -= 1;
  const widths = capped(cap);
  if (sum(widths) > room && columns.length > 1) {
    const left = dispensable ?? columns.at(-1);
    return shrunk(
      columns.filter((column) => column !== left),
      width,
    );
  }
  return columns.map((column, i) => {
    const own = widths[i] ?? 0;
    return {
      index: column.index,
      width: own,
      shorten: (text) => cutTo(own, shorter(column)(text), column.cut),
    };
  });
}

/** A name with a shortened digest: its end would be the digest alone. */
function shorter({ cut }: Column): (text: string) => string {
  if (cut !== 'left') return (text) => text;
  return (text) => text.replace(/(@sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1');
}

function cutTo(width: number, text: string, cut: Column['cut']): string {
  if (cut === undefined || text.length <= width) return text;
  if (cut === 'right') return `${text.slice(0, width - 1)}…`;
  // A name by digest keeps its end, before the `@`, and a few digits of the digest.
  const [, name, digits = ''] = /^(.+)@sha256:([0-9a-f]{12})$/.exec(text) ?? [];
  const ends =
    name === undefined ? [text] : [`${name}@${digits}`, `${name}@${digits.slice(0, 4)}…`];
  const end = ends.find(({ length }) => length <= width) ?? ends.at(-1) ?? text;
  return end.length <= width ? end : `…${end.slice(1 - width)}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
