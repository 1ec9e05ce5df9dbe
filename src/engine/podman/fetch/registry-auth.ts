import type { Credentials } from '../../../registry/auth/auth-file.ts';
import { registryAuthHeader } from '../../http/registry-auth-header.ts';

/**
 * Credentials for one pull, as podman takes them in a header (`X-Registry-Auth`).
 *
 * Without the header podman uses the host's credentials, which is meant for `host`. Only a username keeps
 * podman 4.3 from that: it looks for the host's credentials also with an empty username, an empty map or a
 * map for other registries. A username without a password works like none: podman asks for a token
 * anonymously.
 *
 * @param mayBePlain whether podman is told not to insist on TLS.
 * @param registry the registry in the image's name, to which the credentials belong.
 */
export function registryAuth(
  credentials: Credentials | 'none' | 'host',
  registry: string,
  mayBePlain: boolean,
): Readonly<Record<string, string>> {
  if (credentials === 'host') return {};
  if (credentials === 'none') return registryAuthHeader(ANONYMOUS);
  const { username, password, identityToken } = credentials;
  // podman 4.3 ignores an identity token in a map by registry.
  if (identityToken !== undefined)
    return registryAuthHeader({ identitytoken: identityToken.reveal() });
  if (username === '') return registryAuthHeader(ANONYMOUS);
  const config = { username, password: password.reveal() };
  // A map by registry keeps the credentials from mirrors in the host's registries.conf. But podman would
  // send a mirror the host's credentials for it, which must not happen without verified TLS.
  return registryAuthHeader(mayBePlain ? config : { [registry]: config });
}

const ANONYMOUS = { username: 'anonymous', password: '' };
