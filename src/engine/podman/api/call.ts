/** One request to podman's libpod API. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Behind the version's prefix: `/images/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** May hold credentials: never part of a message. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}
