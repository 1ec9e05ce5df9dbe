import { MOST_ROWS, shortened, some } from './bounds.ts';
import type { Matrix, MatrixCell, MatrixRow } from './report.ts';
import type { SeenImages } from './root-report.ts';
import { isTrouble } from './states.ts';

interface Row extends Pick<MatrixRow, 'name' | 'engine'> {
  readonly cells: (MatrixCell | undefined)[];
}

/** Collects what the first roots need into a table. */
export class RootsByImages {
  readonly #rows = new Map<string, Row>();
  #columns = 0;

  /** Adds a root as the next column. */
  add({ images }: SeenImages): void {
    for (const { name, engine, state, digest } of images) {
      const key = `${engine ?? '?'} ${name}`;
      const row = this.#rows.get(key) ?? { name, engine, cells: [] };
      this.#rows.set(key, row);
      row.cells[this.#columns] = { state, digest };
    }
    this.#columns++;
  }

  /** If there are too many images, those with trouble stay. */
  matrix(): Matrix {
    const rows = [...this.#rows.values()].sort(
      (a, b) => Number(hasTrouble(b)) - Number(hasTrouble(a)) || byName(a, b),
    );
    const { shown, more } = some(rows, MOST_ROWS);
    return {
      columns: this.#columns,
      rows: { shown: [...shown].sort(byName).map((row) => this.#whole(row)), more },
    };
  }

  #whole({ name, engine, cells }: Row): MatrixRow {
    const digests = new Set(cells.flatMap((cell) => cell?.digest ?? []));
    return {
      name: shortened(name),
      engine,
      cells: Array.from({ length: this.#columns }, (_, column) => cells[column]),
      differs: digests.size > 1,
    };
  }
}

function hasTrouble({ cells }: Row): boolean {
  return cells.some((cell) => cell !== undefined && isTrouble(cell.state));
}

function byName(a: Row, b: Row): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return (a.engine ?? '') < (b.engine ?? '') ? -1 : 1;
}
