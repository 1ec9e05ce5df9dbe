/** A request to podman's libpod API. */
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
}

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}
