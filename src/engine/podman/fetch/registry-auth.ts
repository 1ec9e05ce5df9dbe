import type { Credentials } from '../../../registry/auth/auth-file.ts';

/**
 * Credentials for one pull, as podman takes them in a header (`X-Registry-Auth`).
 *
 * `host` sends none: podman then finds those of the host. To keep it from that takes a username:
 * an empty one, an empty map or one for other registries all make podman 4.3 look for the host's.
 * A username without a password is as good as none: podman asks for a token anonymously.
 *
 * @param mayBePlain whether podman is told not to insist on TLS.
 * @param registry the one that the image's name begins with, for which the credentials are.
 */
export function registryAuth(
  credentials: Credentials | 'none' | 'host',
  registry: string,
  mayBePlain: boolean,
): Readonly<Record<string, string>> {
  if (credentials === 'host') return {};
  if (credentials === 'none') return header(ANONYMOUS);
  const { username, password, identityToken } = credentials;
  // In a map by registry podman 4.3 overlooks it.
  if (identityToken !== undefined) return header({ identitytoken: identityToken.reveal() });
  if (username === '') return header(ANONYMOUS);
  const config = { username, password: password.reveal() };
  // By registry, so that mirrors of the host's registries.conf don't get them. But to a mirror
  // podman would send what the host has for it, which must not be without TLS verified.
  return header(mayBePlain ? config : { [registry]: config });
}

const ANONYMOUS = { username: 'anonymous', password: '' };

/** URL-safe base64 with its padding, as Go's decoder in podman wants it (RFC 4648, section 5). */
function header(value: object): Readonly<Record<string, string>> {
  const encoded = Buffer.from(JSON.stringify(value)).toString('base64');
  return { 'x-registry-auth': encoded.replaceAll('+', '-').replaceAll('/', '_') };
}
