import type { EngineContext } from '../context.ts';

/** The image that each tagged name means on the engine, kept up to date while names are moved. */
export class Names {
  readonly #context: EngineContext;
  readonly #meanings: Map<string, string>;
  readonly #present: ReadonlySet<string>;

  private constructor(context: EngineContext, meanings: Map<string, string>, present: Set<string>) {
    this.#context = context;
    this.#meanings = meanings;
    this.#present = present;
  }

  static async read(context: EngineContext): Promise<Names> {
    const images = await context.engine.images();
    const meanings = images.flatMap(({ id, names }) => names.map((name) => [name, id] as const));
    return new Names(context, new Map(meanings), new Set(images.map(({ id }) => id)));
  }

  meaning(name: string): string | undefined {
    return this.#meanings.get(name);
  }

  has(id: string): boolean {
    return this.#present.has(id);
  }

  async move(name: string, id: string): Promise<void> {
    if (name.includes('@') || this.#meanings.get(name) === id) return;
    this.#context.signal.throwIfAborted();
    await this.#context.engine.tag(id, name);
    this.#meanings.set(name, id);
    this.#context.report({ event: 'named', id, name });
  }
}
