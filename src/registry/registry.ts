import type { Platform } from '../image/platform.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { Access } from './access.ts';
import type { BlobProgress } from './blob-progress.ts';

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
   * wrong can't come anew from another endpoint.
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

export interface PermitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Signatures, which only a registry has, are not asked for: what needs one is refused. */
  readonly offline?: boolean;
  /** Who downloads it judges it as well: what berth can't judge is left to that. */
  readonly engineJudges?: boolean;
}
