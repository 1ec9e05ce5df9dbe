import type { Secret } from '../common/secret.ts';
import type { ShippedImages } from '../oci/local-images.ts';

/** How one image may be fetched: what the unit that names it says of it, files already read. */
export interface Access {
  /** Use these and no others of the host: from a unit's `Creds=` or `AuthFile=`. */
  readonly credentials?: AccessCredentials;
  /**
   * The unit's `TLSVerify=`. With false, certificates are not checked, plain HTTP is allowed, and
   * no credentials of the host are sent: only those of the unit.
   */
  readonly tlsVerify?: boolean;
  /** Where the image is at hand: in what a root ships. No registry is asked for it then. */
  readonly shipped?: ShippedImages;
}

export type AccessCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: Secret }
  /** The content of an auth.json. */
  | { readonly kind: 'auth-file'; readonly content: Secret };
