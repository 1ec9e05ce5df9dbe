import type { Secret } from '../common/secret.ts';

/** How one image may be fetched: what the unit that names it says of it, files already read. */
export interface Access {
  /** Use these and no others of the host: from a unit's `Creds=` or `AuthFile=`. */
  readonly credentials?: AccessCredentials;
  /**
   * The unit's `TLSVerify=`. With false, certificates are not checked, plain HTTP is allowed, and
   * no credentials of the host are sent: only those of the unit.
   */
  readonly tlsVerify?: boolean;
}

export type AccessCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: Secret }
  /** The content of an auth.json. */
  | { readonly kind: 'auth-file'; readonly content: Secret };
