import { cutShort } from '../../common/concealed.ts';
import { systemErrorCode } from '../../common/errors.ts';
import { EngineError } from '../errors.ts';
import type { Call, Reply } from './call.ts';

/** Makes the errors of one engine's API, with hints that name its programs. */
export interface Failures {
  /** The engine refused a request. */
  readonly refused: (call: Call, reply: Reply) => EngineError;
  readonly unreachable: (socket: string, reason: string, cause?: unknown) => EngineError;
  readonly badReply: (path: string, reason: string, cause?: unknown) => EngineError;
  /** @param most the largest number of bytes that berth reads. */
  readonly tooLarge: (path: string, most: number) => EngineError;
}

/** Turns the error of a failed connection into one of berth's own. */
export function asEngineError(
  { unreachable, badReply }: Failures,
  error: unknown,
  socket: string,
  path: string,
): EngineError {
  if (error instanceof EngineError) return error;
  if (!(error instanceof Error)) throw error;
  const code = systemErrorCode(error);
  if (error.name === 'AbortError') return unreachable(socket, `${path} took too long`, error);
  // HPE_… codes come from Node's HTTP parser.
  if (code?.startsWith('HPE_') === true) return badReply(path, `it is not HTTP (${code})`, error);
  if (code === 'ECONNRESET')
    return unreachable(socket, `it closed the connection during ${path}`, error);
  return unreachable(socket, code ?? error.message, error);
}

/** The message in the body of a refusal; the body as text if it has none. */
export function wordsOf(body: Buffer): string {
  const text = body.subarray(0, 4096).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'message' in value) {
      if (typeof value.message === 'string') return value.message;
    }
  } catch {
    // Not the engine's JSON: the text is quoted as it is.
  }
  return text.trim() === '' ? 'nothing' : cutShort(text.trim(), 500);
}
