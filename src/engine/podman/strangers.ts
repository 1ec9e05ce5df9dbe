import type { Stranger } from './holds.ts';

/**
 * Says of containers that carry labels of berth and are no pins that they count for nothing: of each
 * once, for they are listed again and again; and of no more than a few, for anybody may make many.
 */
export class Strangers {
  readonly #warn: (message: string) => void;
  readonly #seen = new Set<string>();

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  see({ container, name, reason }: Stranger): void {
    if (this.#seen.has(container) || this.#seen.size > MOST) return;
    this.#seen.add(container);
    if (this.#seen.size > MOST) {
      this.#warn('there are more containers with labels of berth that are none of its pins');
      return;
    }
    const id = container.slice(0, 12);
    this.#warn(
      `the container ${name || 'without a name'} (${id}) has labels of berth and is none of its pins, as ${reason}; it counts for nothing and is left alone: \`podman rm ${id}\` if nobody needs it, or make it without labels that begin with berth.`,
    );
  }
}

const MOST = 5;
