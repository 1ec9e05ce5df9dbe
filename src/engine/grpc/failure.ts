import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { cutShort } from '../../common/concealed.ts';
import { systemErrorCode } from '../../common/errors.ts';
import { EngineError } from '../errors.ts';

/** The program that listens on a socket. */
export interface Program {
  /** As messages name the program: `containerd`. */
  readonly name: string;
  readonly socket: string;
  /** The services that may run the program, which has its name unless another program starts it: `k3s`. */
  readonly services?: readonly string[];
}

/** Where the administrator sees how the program does. */
export function statusHint({ name, services = [name] }: Program): string {
  return `see \`systemctl status ${services.join(' ')}\``;
}

/** The longest quotation of a program, in characters. */
const LONGEST = 500;

/** Whether the program answered with this code. */
export function isRefusal(error: unknown, code: Code): boolean {
  const cause = error instanceof EngineError ? error.cause : error;
  return cause instanceof ConnectError && cause.isWireError && cause.code === code;
}

/** Whether nobody listened on the socket, or the connection broke before there was an answer. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof ConnectError) || error.isWireError) return false;
  // Node resets the streams of a connection that breaks.
  const isBroken = error.code === Code.Canceled || error.code === Code.Aborted;
  return isBroken || systemCode(error) !== undefined;
}

/** The failure of a call as one of berth's errors. */
export function asEngineError(program: Program, method: DescMethod, error: unknown): EngineError {
  if (!(error instanceof ConnectError)) throw error;
  const name = nameOf(method);
  if (error.isWireError) return refused(program, name, error);
  if (isUnreachable(error)) {
    const reason = systemCode(error) ?? `it closed the connection during ${name}`;
    return unreachable(program, reason, error);
  }
  return badReply(program, name, error);
}

export function tooSlow(program: Program, method: DescMethod, cause?: unknown): EngineError {
  return unreachable(program, `${nameOf(method)} took too long`, cause);
}

/** `containerd.services.images.v1.Images/List` */
function nameOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

/** Node's code for what happened to the connection; its HTTP/2 errors begin with `ERR_`. */
function systemCode({ cause }: ConnectError): string | undefined {
  const code = systemErrorCode(cause);
  return code?.startsWith('ERR_') === true ? undefined : code;
}

function unreachable(program: Program, reason: string, cause: unknown): EngineError {
  const { name, socket } = program;
  return new EngineError('engine-unreachable', `no ${name} answers at ${socket}: ${reason}`, {
    hint: statusHint(program),
    cause,
  });
}

function badReply({ name, socket }: Program, method: string, cause: ConnectError): EngineError {
  const words = cutShort(cause.rawMessage, LONGEST);
  return new EngineError(
    'engine-reply',
    `${name}'s reply to ${method} is not as expected: ${words}`,
    { hint: `is something else than ${name} listening at ${socket}?`, cause },
  );
}

function refused(program: Program, method: string, cause: ConnectError): EngineError {
  const { name, services = [name] } = program;
  const { rawMessage: words } = cause;
  const quoted = cutShort(words, LONGEST);
  if (words.includes('no space left on device')) {
    return new EngineError('no-space', `${name} has no space left: ${quoted}`, {
      hint: `make space where ${name} keeps its images`,
      cause,
      words,
    });
  }
  const journal = services.map((service) => `-u ${service}`).join(' ');
  return new EngineError('engine-failed', `${name} refused ${method}: ${quoted}`, {
    hint: `the message is from ${name}; \`journalctl ${journal}\` may say more`,
    cause,
    words,
  });
}
