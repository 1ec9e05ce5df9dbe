import type { IncomingMessage } from 'node:http';
import type { Access } from '../access.ts';
import type { Endpoint } from '../endpoint.ts';
import { needsTls } from '../failure.ts';
import type { Transport } from '../http/transport.ts';
import type { Credentials } from './auth-file.ts';
import { parseChallenges } from './challenge.ts';
import { accessCredentials } from './credentials.ts';
import { basic, fetchToken, secretsOf } from './token.ts';

/** A value of the `Authorization` header, and the secrets in it. */
export interface Authorization {
  readonly header: string;
  /** Whether the header may be sent without TLS, or with certificates unchecked. */
  readonly insecure: boolean;
  readonly secrets: readonly string[];
}

export type HostCredentials = (
  registry: string,
  repository: string,
) => Promise<Credentials | undefined>;

/** The authorization for each repository, kept for later requests with the same access object. */
export class Authorizations {
  readonly #transport: Transport;
  readonly #hostCredentials: HostCredentials;
  readonly #known = new WeakMap<Access, Map<string, Promise<Authorization | undefined>>>();

  constructor(transport: Transport, hostCredentials: HostCredentials) {
    this.#transport = transport;
    this.#hostCredentials = hostCredentials;
  }

  async current(endpoint: Endpoint, access: Access): Promise<Authorization | undefined> {
    return this.#known.get(access)?.get(keyOf(endpoint));
  }

  /**
   * A new authorization after a 401, or the one that another request has obtained meanwhile. An expired
   * token also leads to a 401.
   *
   * @param used the authorization with which the request was sent.
   * @returns undefined if there are no credentials, or if the registry accepts none of this kind.
   * @throws {RegistryError}
   */
  async renew(
    endpoint: Endpoint,
    access: Access,
    { url, response }: { readonly url: URL; readonly response: IncomingMessage },
    used: Authorization | undefined,
  ): Promise<Authorization | undefined> {
    const current = await this.current(endpoint, access);
    if (current !== undefined && current !== used) return current;
    const map = this.#known.get(access) ?? new Map<string, Promise<Authorization | undefined>>();
    this.#known.set(access, map);
    const fresh = this.#answer(endpoint, access, response.headers['www-authenticate'] ?? '', url);
    map.set(keyOf(endpoint), fresh);
    try {
      return await fresh;
    } catch (error) {
      map.delete(keyOf(endpoint));
      throw error;
    }
  }

  async #answer(
    endpoint: Endpoint,
    access: Access,
    header: string,
    url: URL,
  ): Promise<Authorization | undefined> {
    const challenges = parseChallenges(header);
    const credentials = await this.#credentials(endpoint, access);
    const isOfFile = credentials !== undefined && access.credentials?.kind === 'auth-file';
    if (isOfFile && url.protocol === 'http:' && !endpoint.isInsecureByHost)
      throw needsTls(endpoint);
    const insecure = isOfFile ? endpoint.isInsecureByHost : endpoint.insecure;
    const secrets = secretsOf(credentials);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) {
      const token = await fetchToken(this.#transport, endpoint, bearer, url, credentials, isOfFile);
      return { header: `Bearer ${token}`, insecure, secrets: [...secrets, token] };
    }
    if (credentials === undefined || !challenges.some(({ scheme }) => scheme === 'basic')) {
      return undefined;
    }
    return { header: `Basic ${basic(credentials)}`, insecure, secrets };
  }

  async #credentials(endpoint: Endpoint, access: Access): Promise<Credentials | undefined> {
    const { registry, repository, isElsewhere } = endpoint;
    // A unit's credentials are for the registry that it names, not for another one in registries.conf.
    if (access.credentials?.kind === 'basic' && isElsewhere) return undefined;
    const found = accessCredentials(access, registry, repository);
    if (found === 'none') return undefined;
    return found === 'host' ? this.#hostCredentials(registry, repository) : found;
  }
}

function keyOf({ host, repository, insecure }: Endpoint): string {
  return `${insecure ? 'insecure' : 'secure'} ${host}/${repository}`;
}
