import { isLongSilence } from './circuit-breaker.ts';
import type { RegistryError } from './errors.ts';

/** Whether a failure may be over soon, so that asking again makes sense. */
export function isPassing(error: RegistryError): boolean {
  return isTemporary(error) && !isLongSilence(error);
}

function isTemporary({ code, cause }: RegistryError): boolean {
  switch (code) {
    case 'connection-lost':
    case 'rate-limited':
    case 'registry-failed':
    case 'short-body':
      return true;
    case 'registry-unreachable':
      return isPassingCause(cause);
    default:
      return false;
  }
}

/**
 * Whether the cause of a failed connection is temporary. A refused connection, an unknown host or an
 * invalid certificate is not.
 */
function isPassingCause(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return ['EAI_AGAIN', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].some((passing) => passing === code);
}
