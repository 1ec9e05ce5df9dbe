import { BerthError } from '../common/errors.ts';

export type RegistryErrorCode =
  /** No connection: refused, no such host, timed out, TLS. */
  | 'registry-unreachable'
  /** The connection broke in the middle of a reply. */
  | 'connection-lost'
  /** A mirror sends far less than a link can carry, or a lookaside takes too long for all it has. */
  | 'too-slow'
  /** 401, with the known credentials or without any. */
  | 'unauthorized'
  /** 403. */
  | 'forbidden'
  /** 404: no such repository or tag. */
  | 'not-found'
  /** 429. */
  | 'rate-limited'
  /** 5xx. */
  | 'registry-failed'
  /** The distribution specification does not allow the reply, or the reply is too large. */
  | 'bad-reply'
  | 'digest-mismatch'
  | 'short-body'
  /** An index without a manifest for the platform. */
  | 'no-platform'
  /** `blocked = true` in registries.conf. */
  | 'blocked'
  /** policy.json does not permit this image, or requires something that berth can't check. */
  | 'policy-rejected'
  /** policy.json, registries.conf or an auth file is missing or can't be read. */
  | 'registry-config';

export interface RegistryErrorOptions {
  readonly hint: string;
  readonly cause?: unknown;
  readonly retryAfter?: number | undefined;
  readonly status?: number | undefined;
  readonly passing?: RegistryError | undefined;
}

/** A failure of a registry, or of the configuration for registries. */
export class RegistryError extends BerthError<RegistryErrorCode> {
  /** In milliseconds: how long the registry asks not to be asked. */
  declare readonly retryAfter?: number;
  /** The HTTP status of a reply that was not the wanted one. */
  declare readonly status?: number;
  /** The failure of another endpoint of the image that may be over soon. */
  declare readonly passing?: RegistryError;

  constructor(
    code: RegistryErrorCode,
    message: string,
    { retryAfter, status, passing, ...options }: RegistryErrorOptions,
  ) {
    super(code, message, { ...options, kind: kindOf(code) });
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
    if (status !== undefined) this.status = status;
    if (passing !== undefined) this.passing = passing;
  }
}

function kindOf(code: RegistryErrorCode): 'failed' | 'usage' | 'refused' | 'unreachable' {
  switch (code) {
    case 'registry-unreachable':
    case 'connection-lost':
    case 'too-slow':
    case 'rate-limited':
    case 'registry-failed':
      return 'unreachable';
    case 'blocked':
    case 'policy-rejected':
      return 'refused';
    case 'registry-config':
      return 'usage';
    case 'unauthorized':
    case 'forbidden':
    case 'not-found':
    case 'bad-reply':
    case 'digest-mismatch':
    case 'short-body':
    case 'no-platform':
      return 'failed';
  }
}
