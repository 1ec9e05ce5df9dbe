import type { EngineId } from '../../common/engine-id.ts';
import type { StoredLayer } from '../../engine/engine.ts';
import type { Situation } from '../../lifecycle/situation.ts';
import type { RootSize, Sizes } from './report.ts';
import type { SeenImages } from './root-report.ts';

/** The layers of the images of each engine that tells them, by the ids of the images. */
export type Layers = ReadonlyMap<EngineId, ReadonlyMap<string, readonly StoredLayer[]>>;

/** Asks the engines for their layers. An engine that can't tell is passed over. */
export async function layersIn({ engines }: Situation): Promise<Layers> {
  const found = new Map<EngineId, ReadonlyMap<string, readonly StoredLayer[]>>();
  for (const { engine } of engines.values()) {
    const layers = await engine.layers?.();
    if (layers !== undefined) found.set(engine.id, layers);
  }
  return found;
}

/** A layer, or an image whose layers are not known. Roots share the object: a piece may have a million uses. */
interface Piece {
  readonly size: number;
  /** How many roots use the piece. */
  roots: number;
}

/** Adds up what roots take on disk, and what they share. */
export class SizesOfRoots {
  readonly #layers: Layers;
  readonly #pieces = new Map<string, Piece>();
  readonly #ofImages = new Map<string, readonly Piece[]>();
  readonly #roots: (readonly (readonly Piece[])[])[] = [];
  readonly #byImage = new Set<EngineId>();

  constructor(layers: Layers) {
    this.#layers = layers;
  }

  /** @param isShown whether the root has a section; the others count as roots that share. */
  add({ images }: SeenImages, isShown: boolean): void {
    const lists = new Set<readonly Piece[]>();
    for (const { engine, id, size, state } of images) {
      if (engine === undefined || id === undefined || size === undefined) continue;
      if (state !== 'unbound') lists.add(this.#piecesOf(engine, id, size));
    }
    const pieces = new Set([...lists].flat());
    for (const piece of pieces) piece.roots++;
    if (isShown) this.#roots.push([...lists]);
  }

  sizes(): Sizes {
    const roots = this.#roots.map((lists): RootSize => {
      const pieces = [...new Set(lists.flat())];
      return { total: sum(pieces), own: sum(pieces.filter(({ roots: count }) => count === 1)) };
    });
    const used = [...this.#pieces.values()].filter(({ roots: count }) => count > 0);
    return {
      roots,
      total: sum(used),
      apart: used.reduce((bytes, { size, roots: count }) => bytes + size * count, 0),
      byImage: [...this.#byImage].sort(),
    };
  }

  #piecesOf(engine: EngineId, id: string, size: number): readonly Piece[] {
    const image = `${engine} ${id}`;
    const known = this.#ofImages.get(image);
    if (known !== undefined) return known;
    const layers = this.#layers.get(engine)?.get(id);
    if (layers === undefined) this.#byImage.add(engine);
    const pieces = (layers ?? [{ id, size }]).map((layer) => {
      const key = `${engine} ${layer.id}`;
      const piece = this.#pieces.get(key) ?? { size: layer.size, roots: 0 };
      this.#pieces.set(key, piece);
      return piece;
    });
    this.#ofImages.set(image, pieces);
    return pieces;
  }
}

function sum(pieces: readonly Piece[]): number {
  return pieces.reduce((bytes, { size }) => bytes + size, 0);
}
