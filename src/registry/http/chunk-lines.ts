import { NotHttp } from './head.ts';

/** In bytes: the longest line that is looked at. Node's parser judges longer lines. */
const MAX_LINE = 4096;

const LINE_FEED = 10;

/**
 * Follows a body that comes in chunks, for a fault that Node's lenient parser does not see: if the last two lines end in
 * a bare LF, the parser waits for more, and the server has nothing more to say. Go's parser, on which engines are built,
 * refuses such lines.
 */
export class ChunkLines {
  /** How many bytes of a chunk are still to come. */
  #left = 0;
  /** What has come of a line. */
  #line = '';
  #expected: 'size' | 'end of chunk' | 'trailer' | 'nothing' = 'size';
  #isLastBare = false;

  /**
   * Takes the next bytes of the body.
   *
   * @throws {NotHttp}
   */
  add(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && this.#expected !== 'nothing') {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, bytes.length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      const end = bytes.indexOf(LINE_FEED, at);
      const next = end < 0 ? bytes.length : end + 1;
      this.#line += bytes.toString('latin1', at, Math.min(next, at + MAX_LINE + 1));
      at = next;
      if (this.#line.length > MAX_LINE) this.#expected = 'nothing';
      else if (end >= 0) this.#ended();
    }
  }

  #ended(): void {
    const line = this.#line;
    this.#line = '';
    if (this.#expected === 'end of chunk') this.#expected = 'size';
    else if (this.#expected === 'size') this.#sized(line);
    else if (this.#isLastBare && line === '\n') throw new NotHttp('chunks with a bare LF');
    else this.#expected = 'nothing';
  }

  #sized(line: string): void {
    const size = Number.parseInt(line, 16);
    this.#left = size;
    this.#isLastBare = !line.endsWith('\r\n');
    this.#expected = size > 0 ? 'end of chunk' : size === 0 ? 'trailer' : 'nothing';
  }
}
