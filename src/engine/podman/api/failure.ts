import { EngineError } from '../../errors.ts';
import type { Call, Reply } from '../../http/call.ts';
import { type Failures, wordsOf } from '../../http/failures.ts';
import { TornImageError } from './torn-image.ts';

/** podman refused a request. The message quotes its reply: `{"cause", "message", "response"}`. */
export function refused({ method, path }: Call, { status, body }: Reply): EngineError {
  const words = wordsOf(body);
  return failed(`${method} ${path} was answered with ${status}: ${words}`, words);
}

/**
 * containers/storage has the image on its list but not its manifest, which is written last (podman 4.3.1
 * and 5.4.2, in reply to /images/json).
 */
const TORN = /locating item named "manifest" for image with ID "([0-9a-f]{64})"/;

/**
 * podman failed at something.
 *
 * @param what quotes podman.
 * @param words podman's own, if `what` says more.
 */
export function failed(what: string, words?: string): EngineError {
  if (what.includes('no space left on device')) {
    return new EngineError('no-space', `podman has no space left: ${what}`, {
      hint: 'make space where `podman info` says that its graphRoot is, and in /var/tmp',
      words,
    });
  }
  const torn = TORN.exec(what)?.[1];
  if (torn !== undefined) return new TornImageError(`sha256:${torn}`, what);
  return new EngineError('engine-failed', `podman failed: ${what}`, {
    hint: 'the message is from podman; `podman info` shows whether it works at all',
    words,
  });
}

export function unreachable(socket: string, reason: string, cause?: unknown): EngineError {
  return new EngineError('engine-unreachable', `no podman answers at ${socket}: ${reason}`, {
    hint: 'see `systemctl status podman.socket`, or start `podman system service` there',
    cause,
  });
}

export function badReply(path: string, reason: string, cause?: unknown): EngineError {
  return new EngineError(
    'engine-reply',
    `podman's reply to ${path} is not as expected: ${reason}`,
    {
      hint: 'berth knows podman 4.0 and later; is something else listening on that socket?',
      cause,
    },
  );
}

/** @param most the largest number of bytes that berth reads. */
export function tooLarge(path: string, most: number): EngineError {
  const size = `${most / 1024 / 1024} MiB`;
  const list = /^\/(images|containers)\/json$/.exec(path)?.[1];
  if (list === undefined) return badReply(path, `it is larger than ${size}`);
  // Lists of thousands are far smaller, but a single image may have megabytes of labels.
  return new EngineError(
    'engine-reply',
    `podman's list of ${list} is larger than ${size}, which is the most that berth reads`,
    {
      hint: `remove the ${list} with very large labels: \`podman ${list.slice(0, -1)} inspect --format '{{json .Config.Labels}}' ID | wc -c\` shows how large the labels of one are`,
    },
  );
}

/** podman's failures, in berth's words. */
export const podmanFailures: Failures = { refused, unreachable, badReply, tooLarge };
