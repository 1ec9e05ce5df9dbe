import type { Platform } from '../image/platform.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { Access } from './access.ts';
import type { BlobProgress } from './blob-progress.ts';

/**
 * What berth itself asks of registries. Every reply is hostile: it is bounded, hashed and validated
 * before anything else sees it.
 */
export interface Registry {
  /**
   * Checks that the running system's policy.json lets berth download this image itself: signatures are
   * judged for the image's name and the digest of its manifest, and fetched once. `manifest` and
   * `download` give only what was let in, and only for the same `access` object. `resolve` needs no
   * permission, since an engine that pulls by itself also judges by itself.
   *
   * @throws {RegistryError} `policy-rejected`; `registry-config` if there is no policy; the error of
   *   a registry whose signatures can't be read.
   */
  permit(image: ResolvedImage, access: Access, options?: PermitOptions): Promise<void>;

  /**
   * Checks by policy.json alone, without asking a registry, whether any image of this name can be
   * let in.
   *
   * @param judge `engine` if an engine pulls and judges by itself: then only a name that is rejected
   *   outright is refused. `archives` if berth downloads and the engine unpacks an archive, for which
   *   the policy must ask no signature.
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
   * When this returns, `into` has `blob.size` bytes that hash to `blob.digest`. After an error
   * `watch.progress` says how many bytes it has, and the same call goes on from there, but not after
   * `digest-mismatch`.
   *
   * @param watch.progress the bytes that `into` has already.
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
   * How far away the registry of a name is: its quickest reply in this run, in milliseconds, or
   * undefined if it was not asked yet.
   */
  quickestReply(name: string, access: Access): Promise<number | undefined>;

  /** Closes idle connections. */
  close(): void;
}

export type Judge = 'berth' | 'engine' | 'archives';

/** Where a blob is written. */
export interface BlobTarget {
  write(chunk: Buffer): Promise<void>;
  /**
   * Drops all that was written, since its digest is wrong. Without this method a blob with a wrong
   * digest can't be downloaded again from another endpoint.
   */
  restart?(): Promise<void>;
  /**
   * Called when bytes arrive, before they are written; bytes that `into` has already are not
   * written.
   */
  received?(bytes: number): Promise<void>;
}

export interface ResolvedName {
  /** The digest of the index, or of the manifest where there is no index. */
  readonly digest: string;
  /** The digests of manifests by `os/architecture[/variant]`; attestations are left out. */
  readonly platforms: ReadonlyMap<string, string>;
}

export interface PermitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Asks no registry for signatures: an image that needs one is refused. */
  readonly offline?: boolean;
  /** The engine that downloads the image judges it as well: berth leaves to it what it can't judge. */
  readonly engineJudges?: boolean;
}
