import type { Situation } from '../../lifecycle/situation.ts';
import { MOST_COLUMNS, MOST_ROOTS, Room } from './bounds.ts';
import { RootsByImages } from './matrix.ts';
import type { Matrix, RootReport, Sizes } from './report.ts';
import { imagesOf, rootReport, type SeenRoot } from './root-report.ts';
import { type Layers, SizesOfRoots } from './sizes.ts';

/** What the roots make of a report. */
export interface Collected {
  readonly roots: readonly RootReport[];
  readonly moreRoots: number;
  readonly matrix: Matrix;
  readonly sizes: Sizes;
}

/** Takes one root after the other, and keeps of each no more than the page shows. */
export class Collection {
  readonly #situation: Situation;
  readonly #matrix = new RootsByImages();
  readonly #sizes: SizesOfRoots;
  readonly #room = new Room();
  readonly #roots: RootReport[] = [];
  #more = 0;

  constructor(situation: Situation, layers: Layers) {
    this.#situation = situation;
    this.#sizes = new SizesOfRoots(layers);
  }

  /** Roots are added in the order of the page. */
  add(seen: SeenRoot): void {
    const images = imagesOf(seen, this.#situation);
    const isShown = this.#roots.length < MOST_ROOTS;
    this.#sizes.add(images, isShown);
    if (!isShown) {
      this.#more++;
      return;
    }
    if (this.#roots.length < MOST_COLUMNS) this.#matrix.add(images);
    this.#roots.push(rootReport(seen, images, this.#room));
  }

  /** Adds a root that is not on the page, and shares images with those that are. */
  addOther(seen: SeenRoot): void {
    this.#sizes.add(imagesOf(seen, this.#situation), false);
  }

  collected(): Collected {
    const [matrix, sizes] = [this.#matrix.matrix(), this.#sizes.sizes()];
    return { roots: this.#roots, moreRoots: this.#more, matrix, sizes };
  }
}
