/** A request to an engine's API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** The path after the version prefix: `/images/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** May hold credentials, so messages never quote them. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The reply goes on for as long as it is read: not the whole of it is bounded, but each of its lines. */
  readonly isEndless?: true;
}

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}
