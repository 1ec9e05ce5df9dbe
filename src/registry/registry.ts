import type { Platform } from '../image/platform.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { Access } from './access.ts';
import type { Credentials } from './auth/auth-file.ts';
import type { BlobProgress } from './blob-progress.ts';

/**
 * The requests that berth itself sends to registries. Every reply may be hostile: it is bounded, hashed and
 * validated before anything else sees it.
 */
export interface Registry {
  /**
   * Checks that the running system's policy.json lets berth download this image itself: signatures are
   * judged for the image's name and the digest of its manifest, and fetched once. `manifest` and `download`
   * return only what was permitted, and only for the same `access` object. `resolve` needs no permission,
   * since an engine that pulls by itself also judges by itself.
   *
   * @returns the signatures that were looked at, as files, for whoever keeps the image; none if the policy
   *   asks for none.
   * @throws {RegistryError} `policy-rejected`; `registry-config` if there is no policy; the error of a
   *   registry whose signatures can't be read.
   */
  permit(image: ResolvedImage, access: Access, options?: PermitOptions): Promise<readonly Buffer[]>;

  /**
   * All signatures of an image, as files, wherever registries.d says that there are any, and whatever
   * policy.json says.
   *
   * @throws {RegistryError} if none was found and a place could not be asked.
   */
  signatures(
    image: Pick<ResolvedImage, 'name' | 'manifest'>,
    access: Access,
    signal?: AbortSignal,
  ): Promise<readonly Buffer[]>;

  /**
   * Checks by policy.json alone, without asking a registry, whether any image of this name can be
   * permitted.
   *
   * @param judge `engine` if an engine pulls and judges by itself: then a name is refused only if the
   *   policy rejects it outright. `archives` if berth downloads and the engine unpacks an archive, for
   *   which the policy must not require a signature.
   * @throws {RegistryError} `policy-rejected`, `registry-config`.
   */
  foresee(name: string, judge: Judge): Promise<void>;

  /** Resolves what a full name means now, for one platform. */
  resolve(
    name: string,
    platform: Platform,
    access: Access,
    signal?: AbortSignal,
  ): Promise<ResolvedImage>;

  /** Resolves what a full name means now, for every platform that has an image. */
  resolveAll(name: string, access: Access, signal?: AbortSignal): Promise<ResolvedName>;

  /** Fetches a manifest or index by its digest; the bytes match the digest. */
  manifest(name: string, digest: string, access: Access, signal?: AbortSignal): Promise<Manifest>;

  /**
   * Streams a blob, hashing it on the way, with backpressure.
   *
   * When this returns, `into` has `blob.size` bytes that match `blob.digest`. After an error,
   * `watch.progress` has the part that `into` has, and the same call continues from there, except after
   * `digest-mismatch`.
   *
   * @param watch.progress the part of the blob that `into` already has.
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
   * The credentials with which an engine may pull an image by itself: those that the unit gives, or else the
   * running system's. They are for the registry in the name alone, and for no mirror of it.
   *
   * @returns undefined if there are none, or none may be sent.
   * @throws {RegistryError} `registry-config` if an auth file can't be read.
   */
  credentials(name: string, access: Access): Promise<Credentials | undefined>;

  /**
   * A measure of how far away the registry of a name is: its quickest reply in this run, in milliseconds;
   * undefined if it was not asked yet.
   */
  quickestReply(name: string, access: Access): Promise<number | undefined>;

  /**
   * Whether this host limits the rate or the number of downloads from one of the endpoints of a name: then an
   * engine must not pull it by itself.
   */
  isLimited(name: string, access: Access): Promise<boolean>;

  /** Closes idle connections. */
  close(): void;
}

export type Judge = 'berth' | 'engine' | 'archives';

/** Where a blob is written. */
export interface BlobTarget {
  write(chunk: Buffer): Promise<void>;
  /**
   * Drops everything written so far, since its digest is wrong. Without this method, a blob with a wrong
   * digest can't be downloaded again from another endpoint.
   */
  restart?(): Promise<void>;
}

export interface ResolvedName {
  /** The digest of the index, or of the manifest if there is no index. */
  readonly digest: string;
  /** The digests of manifests by `os/architecture[/variant]`; attestations are left out. */
  readonly platforms: ReadonlyMap<string, string>;
}

export interface PermitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Signatures that came with the image, as files: these are judged before a registry is asked. */
  readonly beside?: (() => readonly Buffer[]) | undefined;
  /** Never ask a registry for signatures: those that came with the image must do. */
  readonly offline?: boolean;
  /**
   * The engine that downloads the image judges it as well: berth leaves to the engine what berth can't
   * judge.
   */
  readonly engineJudges?: boolean;
}
