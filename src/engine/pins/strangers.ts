/** A container that has berth's labels but is no pin of berth's; it is ignored. */
export interface Stranger {
  readonly container: string;
  readonly name: string;
  /** Why the container is no pin, in words. */
  readonly reason: string;
}

/**
 * Warns about containers that carry berth's labels but are no pins: they are ignored. There is one warning
 * for each, because they are listed again and again, and only for a few, because anybody may make many.
 */
export class Strangers {
  readonly #program: string;
  readonly #warn: (message: string) => void;
  readonly #seen = new Set<string>();

  /** @param program by which people remove containers: `podman`. */
  constructor(program: string, warn: (message: string) => void) {
    this.#program = program;
    this.#warn = warn;
  }

  see({ container, name, reason }: Stranger): void {
    if (this.#seen.has(container) || this.#seen.size > MOST) return;
    this.#seen.add(container);
    if (this.#seen.size > MOST) {
      this.#warn('there are more containers that carry labels of berth but are not its pins');
      return;
    }
    const id = container.slice(0, 12);
    this.#warn(
      `container ${name || '(no name)'} (${id}) carries labels of berth but is not one of its pins: ${reason}. berth ignores it and leaves it alone; remove it with \`${this.#program} rm ${id}\` if nobody needs it, or make it again without labels that begin with "berth."`,
    );
  }
}

const MOST = 5;
