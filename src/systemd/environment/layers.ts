/** The value of a variable, and whether it comes from a file that not everybody may read. */
export interface Value {
  readonly text: string;
  readonly isPrivate: boolean;
}

/** Variables that are set together; one without a value hides that of the layers below. */
export type Layer = ReadonlyMap<string, Value | undefined>;

/** More layers are merged: each lookup goes through all of them. */
const MOST_LAYERS = 8;

/**
 * The variables of a service. They lie in layers, of which a later one overrides an earlier: a thousand
 * services that cite one large file share its layer.
 */
export class Variables {
  readonly #layers: readonly Layer[];

  /** @param layers the one that counts most comes last. */
  constructor(layers: readonly Layer[]) {
    this.#layers = layers.length > MOST_LAYERS ? [merged(layers)] : layers;
  }

  get(name: string): string | undefined {
    return this.#find(name)?.text;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** Whether the value comes from a file that not everybody may read. */
  isPrivate(name: string): boolean {
    return this.#find(name)?.isPrivate === true;
  }

  /** An upper bound of the number of variables: several layers may set the same one. */
  get size(): number {
    return this.#layers.reduce((sum, { size }) => sum + size, 0);
  }

  /** All variables with their values. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (const [name, value] of merged(this.#layers)) {
      if (value !== undefined) yield [name, value.text];
    }
  }

  /** The names of the variables whose values not everybody may read. */
  *privateNames(): IterableIterator<string> {
    for (const [name, value] of merged(this.#layers)) if (value?.isPrivate === true) yield name;
  }

  #find(name: string): Value | undefined {
    return this.#layers.findLast((layer) => layer.has(name))?.get(name);
  }
}

/** One layer in place of several. A layer that comes several times counts where it comes last. */
function merged(layers: readonly Layer[]): Layer {
  const [only, ...others] = layers;
  if (only !== undefined && others.length === 0) return only;
  const last = new Set(layers.toReversed());
  const all = new Map<string, Value | undefined>();
  for (const layer of [...last].reverse()) for (const [name, value] of layer) all.set(name, value);
  return all;
}
