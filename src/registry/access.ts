import type { Secret } from '../common/secret.ts';

/**
 * How one image may be fetched: what the unit that names the image says, with the files that it
 * cites.
 */
export interface Access {
  /** From a unit's `Creds=` or `AuthFile=`; with these none of the host's credentials are used. */
  readonly credentials?: AccessCredentials;
  /**
   * The unit's `TLSVerify=`. With false, certificates are not checked, plain HTTP is allowed, and
   * only the unit's own credentials are sent, none of the host.
   */
  readonly tlsVerify?: boolean;
}

export type AccessCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: Secret }
  /** The content of an auth.json. */
  | { readonly kind: 'auth-file'; readonly content: Secret };
