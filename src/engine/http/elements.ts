const OPEN_LIST = 0x5b;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Opens and closes lists and objects in JSON. */
const OPENING: ReadonlySet<number> = new Set([OPEN_LIST, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Splits the text of a list in JSON into those of its elements, as it arrives. Other text stays whole. */
export class ElementSplitter {
  #parts: Buffer[] = [];
  #size = 0;
  #depth = 0;
  /** Unknown before the first character. */
  #isList: boolean | undefined;
  #inString = false;
  #isEscaped = false;

  /** The number of bytes of the element that has begun, or of text that is no list. */
  get size(): number {
    return this.#size;
  }

  /** The texts of the elements that end in a piece of the list. */
  *split(piece: Buffer): Iterable<string> {
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      if (this.#inString) {
        at = this.#throughString(piece, at);
        continue;
      }
      const byte = piece[at] ?? 0;
      if (!isBlank(byte)) this.#isList ??= byte === OPEN_LIST;
      if (this.#isList !== true) continue;
      if (byte === QUOTE) this.#inString = true;
      else if (OPENING.has(byte)) {
        this.#depth++;
        if (this.#depth === 1) from = at + 1;
      } else if (this.#depth === 1 && (byte === COMMA || CLOSING.has(byte))) {
        yield this.#end(piece.subarray(from, at));
        from = at + 1;
      }
      if (CLOSING.has(byte)) this.#depth--;
    }
    this.#add(piece.subarray(from));
  }

  /** The text behind the last element: blank if the list is whole. */
  rest(): string {
    const rest = this.#end(Buffer.alloc(0));
    return this.#depth === 0 ? rest : `[${rest}`;
  }

  /** The index of the last byte of a string, or of the piece. */
  #throughString(piece: Buffer, from: number): number {
    for (let at = from; at < piece.length; at++) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (piece[at] === BACKSLASH) this.#isEscaped = true;
      else if (piece[at] === QUOTE) {
        this.#inString = false;
        return at;
      }
    }
    return piece.length - 1;
  }

  #add(part: Buffer): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#size += part.length;
  }

  #end(part: Buffer): string {
    this.#add(part);
    const text = Buffer.concat(this.#parts).toString();
    this.#parts = [];
    this.#size = 0;
    return text;
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
