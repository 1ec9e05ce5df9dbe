import type { ConnectionOptions } from 'node:tls';
import { systemErrorCode } from '../../common/errors.ts';
import type { HostCertificates } from './certificates.ts';
import { type AuthorityPaths, type Extent, tlsOptionsOf } from './tls.ts';

/** What one connection was made with. */
export interface Shown {
  readonly extent: Extent;
  /** The index of the client certificate. */
  readonly identity: number;
}

/**
 * The certificates with which connections to registries are made. Failures teach that a CA is known only to the
 * system's directories, and which of a registry's client certificates is not refused.
 */
export class Trust {
  readonly #certificatesOf: (registry: string) => HostCertificates;
  readonly #authorityPaths: AuthorityPaths;
  readonly #certificates = new Map<string, HostCertificates>();
  #extent: Extent = 'bundle';
  /** For each registry the index of the identity that was not refused. */
  readonly #accepted = new Map<string, number>();

  constructor(
    certificatesOf: (registry: string) => HostCertificates,
    authorityPaths: AuthorityPaths,
  ) {
    this.#certificatesOf = certificatesOf;
    this.#authorityPaths = authorityPaths;
  }

  /** What the next connection to a registry is made with. */
  shownTo(registry: string): Shown {
    return { extent: this.#extent, identity: this.#accepted.get(registry) ?? 0 };
  }

  /** Two connections with the same key have the same options. */
  keyOf(registry: string, insecure: boolean): string {
    const { authorities, identities } = this.#certificatesFor(registry);
    const { extent, identity } = this.shownTo(registry);
    const isOwn = authorities.length + identities.length > 0;
    return `${insecure} ${extent} ${isOwn ? `${registry} ${identity}` : ''}`;
  }

  /** @throws {RegistryError} `registry-config` */
  optionsFor(registry: string, insecure: boolean): ConnectionOptions {
    const { extent, identity } = this.shownTo(registry);
    const certificates = this.#certificatesFor(registry);
    return tlsOptionsOf(insecure, certificates, identity, extent, this.#authorityPaths);
  }

  /**
   * Whether the next connection will be made with something else than the one that failed.
   *
   * @param tried the identities that were shown for the same request.
   */
  learnsFrom(error: unknown, registry: string, shown: Shown, tried: ReadonlySet<number>): boolean {
    const code = systemErrorCode(error) ?? '';
    return (
      this.#hasMoreAuthorities(code, shown) || this.#hasNextIdentity(code, registry, shown, tried)
    );
  }

  /** Extends the CAs to the system's directories, unless that was done already. */
  #hasMoreAuthorities(code: string, { extent }: Shown): boolean {
    if (!/ISSUER|SELF_SIGNED|VERIFY_LEAF/.test(code) || extent === 'directories') return false;
    this.#extent = 'directories';
    return true;
  }

  /**
   * Moves on to the next identity when one was refused. Other clients choose by the CAs that a server
   * accepts, which Node does not expose; and a server's alert may be lost when it closes the connection.
   */
  #hasNextIdentity(
    code: string,
    registry: string,
    { identity }: Shown,
    tried: ReadonlySet<number>,
  ): boolean {
    const count = this.#certificates.get(registry)?.identities.length ?? 0;
    const isRefusal = /^ERR_SSL_.*_ALERT_|^ECONNRESET$|^EPIPE$/.test(code);
    if (!isRefusal || tried.size >= count) return false;
    // Another request may have moved on already.
    if (this.shownTo(registry).identity === identity) {
      this.#accepted.set(registry, (identity + 1) % count);
    }
    return true;
  }

  #certificatesFor(registry: string): HostCertificates {
    const known = this.#certificates.get(registry) ?? this.#certificatesOf(registry);
    this.#certificates.set(registry, known);
    return known;
  }
}
