interface Waiting {
  readonly weight: number;
  readonly begin: () => void;
}

/**
 * Limits how much work is done side by side. Of the work that waits the heaviest is next; of equal
 * weight, the first.
 */
export class Semaphore {
  #free: number;
  readonly #waiting: Waiting[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((begin) => this.#queue({ weight, begin }));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next.begin();
    }
  }

  #queue(waiting: Waiting): void {
    let [from, to] = [0, this.#waiting.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#waiting[middle]?.weight ?? 0) < waiting.weight) to = middle;
      else from = middle + 1;
    }
    this.#waiting.splice(from, 0, waiting);
  }
}
