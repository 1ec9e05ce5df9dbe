import { ENDLESS, type Head, HeadBytes, MAX_INFORMATION, NotHttp, parseHead } from './head.ts';

/** Finds the head of the reply, behind the heads that may come before it, in the bytes of a connection. */
export class FinalHead {
  #bytes = new HeadBytes();
  #informed = 0;

  /**
   * Adds the next bytes.
   *
   * @returns the head, and the bytes after it; undefined while it is not whole.
   * @throws {NotHttp}
   */
  add(chunk: Buffer): { readonly head: Head; readonly rest: Buffer } | undefined {
    for (let bytes = chunk; ; ) {
      const whole = this.#bytes.add(bytes);
      if (whole === undefined) return undefined;
      const head = parseHead(whole.head);
      if (head.status >= 200 || head.status === 101) return { head, rest: whole.rest };
      if (++this.#informed > MAX_INFORMATION) throw new NotHttp(ENDLESS);
      this.#bytes = new HeadBytes();
      bytes = whole.rest;
    }
  }
}
