import type { DescMethod } from '@bufbuild/protobuf';
import { type Program, tooSlow } from './failure.ts';

/** Ends a call with many requests and replies if the program owes a reply for too long. */
export class OwedReply {
  readonly #program: Program;
  readonly #method: DescMethod;
  readonly #milliseconds: number;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(program: Program, method: DescMethod, milliseconds: number) {
    this.#program = program;
    this.#method = method;
    this.#milliseconds = milliseconds;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** A request is sent, and its reply is owed from now on. */
  begin(): void {
    this.end();
    const fail = () => this.#abort.abort(tooSlow(this.#program, this.#method));
    this.#timer = setTimeout(fail, this.#milliseconds);
  }

  /** The reply has come, or the call has ended. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
