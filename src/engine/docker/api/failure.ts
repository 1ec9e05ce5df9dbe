import { EngineError } from '../../errors.ts';
import type { Call, Reply } from '../../http/call.ts';
import { type Failures, wordsOf } from '../../http/failures.ts';

/** docker refused a request. The message quotes its reply: `{"message"}`. */
export function refused({ method, path }: Call, { status, body }: Reply): EngineError {
  const words = wordsOf(body);
  return failed(`${method} ${path} was answered with ${status}: ${words}`, words);
}

/**
 * docker failed at something.
 *
 * @param what quotes docker.
 * @param words docker's own, if `what` says more.
 */
export function failed(what: string, words?: string): EngineError {
  if (what.includes('no space left on device')) {
    return new EngineError('no-space', `docker has no space left: ${what}`, {
      hint: 'make space where `docker info` says that its Docker Root Dir is',
      words,
    });
  }
  return new EngineError('engine-failed', `docker failed: ${what}`, {
    hint: 'the message is from docker; `docker info` shows whether it works at all',
    words,
  });
}

/** docker's failures, in berth's words. */
export const dockerFailures: Failures = {
  refused,
  unreachable: (socket, reason, cause) =>
    new EngineError('engine-unreachable', `no docker answers at ${socket}: ${reason}`, {
      hint: 'see `systemctl status docker.socket docker.service`',
      cause,
    }),
  badReply: (path, reason, cause) =>
    new EngineError('engine-reply', `docker's reply to ${path} is not as expected: ${reason}`, {
      hint: 'berth knows docker 20.10 and later; is something else listening on that socket?',
      cause,
    }),
  tooLarge: (path, most) =>
    new EngineError(
      'engine-reply',
      `docker's reply to ${path} is larger than ${most / 1024 / 1024} MiB, which is the most that berth reads`,
      { hint: 'images or containers with very large labels are the likely cause: remove them' },
    ),
};
