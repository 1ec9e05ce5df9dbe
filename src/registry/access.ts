import type { Secret } from '../common/secret.ts';

/**
 * How one image may be fetched, according to the unit that names the image and the files that the unit
 * cites.
 */
export interface Access {
  /** From a unit's `Creds=` or `AuthFile=`; if set, none of the host's credentials are used. */
  readonly credentials?: AccessCredentials;
  /**
   * The unit's `TLSVerify=`. With false, certificates are not checked, plain HTTP is allowed, and only the
   * unit's own credentials are sent, never the host's.
   */
  readonly tlsVerify?: boolean;
}

export type AccessCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: Secret }
  | AuthFileCredentials;

export interface AuthFileCredentials {
  readonly kind: 'auth-file';
  /** The content of an auth.json. */
  readonly content: Secret;
  /** Whether nothing is asked of an image for whose registries the file has no credentials. */
  readonly isOptional?: boolean;
}
