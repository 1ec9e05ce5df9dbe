import { BerthError } from '../errors.ts';
import type { Platform } from '../image/platform.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Access } from './access.ts';
import type { BlobProgress } from './blob-progress.ts';
import type { PermitOptions } from './permissions.ts';

/**
 * What berth itself asks of registries. Everything that comes back is hostile: bounded, hashed,
 * validated before anyone sees it.
 */
export interface Registry {
  /**
   * Whether the running system's policy.json lets berth download this image itself: signatures are
   * judged for its name and the digest of its manifest, and fetched once an image. `manifest` and
   * `download` give only what was let in; what only looks needs no leave, as engines that pull
   * themselves judge themselves.
   *
   * @throws {RegistryError} `policy-rejected`, `registry-config` if there is no policy, or what keeps
   *   its signatures from being read.
   */
  permit(image: ResolvedImage, access: Access, options?: PermitOptions): Promise<void>;

  /**
   * Sees, by policy.json alone, whether any image of this name can be let in: nobody is asked.
   *
   * @param judge `engine` where an engine pulls and judges by itself: only what is rejected outright
   *   is refused then. `archives` where berth downloads and the engine unpacks what berth hands it:
   *   that must need no signature.
   * @throws {RegistryError} `policy-rejected`, `registry-config`.
   */
  foresee(name: string, judge: Judge): Promise<void>;

  /**
   * What a full name means now, for one platform.
   *
   * @throws {RegistryError}
   */
  resolve(
    name: string,
    platform: Platform,
    access: Access,
    signal?: AbortSignal,
  ): Promise<ResolvedImage>;

  /**
   * What a full name means now, for every platform that it is there for.
   *
   * @throws {RegistryError}
   */
  resolveAll(name: string, access: Access, signal?: AbortSignal): Promise<ResolvedName>;

  /**
   * A manifest or index by its digest, as bytes that hash to it.
   *
   * @throws {RegistryError}
   */
  manifest(name: string, digest: string, access: Access, signal?: AbortSignal): Promise<Manifest>;

  /**
   * Streams a blob, hashing as it passes, with backpressure.
   *
   * What was written is `blob.size` bytes that hash to `blob.digest` when this returns. After an error
   * it is what `watch.progress` says, and the same call goes on from there; but after
   * `digest-mismatch` that means nothing.
   *
   * @param watch.progress what is written already.
   * @throws {RegistryError}
   */
  download(
    name: string,
    blob: Blob,
    access: Access,
    into: BlobTarget,
    watch?: { signal?: AbortSignal | undefined; progress?: BlobProgress },
  ): Promise<void>;

  /**
   * How far away the registry of a name is: the quickest of its replies in this run, in milliseconds;
   * undefined if it was not asked yet.
   */
  quickestReply(name: string, access: Access): Promise<number | undefined>;

  /** Closes idle connections. */
  close(): void;
}

export type Judge = 'berth' | 'engine' | 'archives';

/** Where a blob goes. */
export interface BlobTarget {
  write(chunk: Buffer): Promise<void>;
  /**
   * Forgets all that was written, as it is not the blob. Where that can't be, what turns out to be
   * wrong can't come anew from another place.
   */
  restart?(): Promise<void>;
  /** Told of bytes that came before they are written; those that were there already are not written. */
  received?(bytes: number): Promise<void>;
}

export interface ResolvedName {
  /** The index's, or the manifest's own where there is no index. */
  readonly digest: string;
  /** The manifest's digest, by `os/architecture[/variant]`; attestations are left out. */
  readonly platforms: ReadonlyMap<string, string>;
}

export interface Manifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: Buffer;
}

export type RegistryErrorCode =
  /** No connection: refused, no such host, timed out, TLS. */
  | 'registry-unreachable'
  /** The connection broke in the middle of a reply. */
  | 'connection-lost'
  /** A mirror that sends far less than a link can carry. */
  | 'too-slow'
  /** 401 with the credentials at hand, or none at hand. */
  | 'unauthorized'
  /** 403. */
  | 'forbidden'
  /** 404: no such repository or tag. */
  | 'not-found'
  /** 429. */
  | 'rate-limited'
  /** 5xx. */
  | 'registry-failed'
  /** A reply that the distribution specification does not allow, or that is too large. */
  | 'bad-reply'
  | 'digest-mismatch'
  | 'short-body'
  /** An index without a manifest for the platform. */
  | 'no-platform'
  /** `blocked = true` in registries.conf. */
  | 'blocked'
  /** policy.json does not let berth take this image, or can't be judged. */
  | 'policy-rejected'
  /** policy.json, registries.conf or an auth file is missing or can't be read. */
  | 'registry-config';

export interface RegistryErrorOptions {
  readonly hint: string;
  readonly cause?: unknown;
  readonly retryAfter?: number | undefined;
}

/** Names the registry and the repository in its message. */
export class RegistryError extends BerthError {
  declare readonly code: RegistryErrorCode;
  /** In milliseconds: how long the registry asks to be left alone. */
  declare readonly retryAfter?: number;

  constructor(
    code: RegistryErrorCode,
    message: string,
    { retryAfter, ...options }: RegistryErrorOptions,
  ) {
    super(code, message, { ...options, kind: kindOf(code) });
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
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
