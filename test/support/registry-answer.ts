export interface LoggedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** 0 until the answer is known. */
  status: number;
  readonly authorization?: string;
  /** The program that asks: `berth`, `containers/5.23.1 (…)`. */
  readonly agent?: string;
  /** The part that was asked for: `bytes=5-`. */
  readonly range?: string;
  /** Of the body that was sent; of one that a fault never ends, so far. */
  bytes: number;
}

/** What the registry would say without a fault. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** distribution-spec v1.1, "Error Codes". */
export function refusal(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message }] }));
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}
