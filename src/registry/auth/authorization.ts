import type { Access } from '../access.ts';
import type { Endpoint } from '../endpoint.ts';
import { RegistryError } from '../errors.ts';
import { needsTls } from '../failure.ts';
import type { Transport } from '../http/transport.ts';
import type { Credentials } from './auth-file.ts';
import { accessCredentials } from './credentials.ts';
import { basic, fetchToken, secretsOf } from './token.ts';
import { type Way, waysOf } from './ways.ts';

/** A value of the `Authorization` header, and the secrets in it. */
export interface Authorization {
  readonly header: string;
  /** Whether the header may be sent without TLS, or with certificates unchecked. */
  readonly insecure: boolean;
  readonly secrets: readonly string[];
  /** The ways that are left if the registry refuses this authorization. */
  readonly others: readonly Way[];
}

/** A registry's demand to prove who asks. */
export interface Demand {
  /** The URL that was requested: the realm of a token may be relative to it. */
  readonly url: URL;
  /** The `WWW-Authenticate` header. */
  readonly challenges: string;
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
  readonly #accepted = new WeakSet<Authorization>();

  constructor(transport: Transport, hostCredentials: HostCredentials) {
    this.#transport = transport;
    this.#hostCredentials = hostCredentials;
  }

  async current(endpoint: Endpoint, access: Access): Promise<Authorization | undefined> {
    return this.#known.get(access)?.get(keyOf(endpoint));
  }

  /** Notes that the registry knows who asks; it may still refuse a later request, since tokens expire. */
  accepted(authorization: Authorization): void {
    this.#accepted.add(authorization);
  }

  /**
   * A new authorization after a refusal, or the one that another request has obtained meanwhile. An
   * authorization that was never accepted is followed by the next of the ways that were offered with it.
   *
   * @param used the authorization with which the request was sent.
   * @returns undefined if there are no credentials, or if the registry offers no way, or no further way.
   * @throws {RegistryError} if none of the ways leads to an authorization.
   */
  async renew(
    endpoint: Endpoint,
    access: Access,
    demand: Demand,
    used: Authorization | undefined,
  ): Promise<Authorization | undefined> {
    const current = await this.current(endpoint, access);
    if (current !== undefined && current !== used) return current;
    const isRefused = used !== undefined && !this.#accepted.has(used);
    const ways = isRefused ? used.others : waysOf(demand.challenges, endpoint);
    const map = this.#known.get(access) ?? new Map<string, Promise<Authorization | undefined>>();
    this.#known.set(access, map);
    const fresh = this.#firstOf(ways, endpoint, access, demand.url);
    map.set(keyOf(endpoint), fresh);
    try {
      return await fresh;
    } catch (error) {
      map.delete(keyOf(endpoint));
      // The refusal of the authorization before says more than why another way fails.
      if (isRefused && error instanceof RegistryError) return undefined;
      throw error;
    }
  }

  /** The authorization by the first of the ways that leads to one. */
  async #firstOf(
    ways: readonly Way[],
    endpoint: Endpoint,
    access: Access,
    url: URL,
  ): Promise<Authorization | undefined> {
    let failed: RegistryError | undefined;
    for (const [index, way] of ways.entries()) {
      try {
        const made = await this.#by(way, endpoint, access, url);
        if (made !== undefined) return { ...made, others: ways.slice(index + 1) };
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        failed ??= error;
      }
    }
    if (failed !== undefined) throw failed;
    return undefined;
  }

  async #by(
    way: Way,
    endpoint: Endpoint,
    access: Access,
    url: URL,
  ): Promise<Omit<Authorization, 'others'> | undefined> {
    const credentials = await this.#credentials(endpoint, access);
    const isOfFile = credentials !== undefined && access.credentials?.kind === 'auth-file';
    if (isOfFile && url.protocol === 'http:' && !endpoint.isInsecureByHost)
      throw needsTls(endpoint);
    const insecure = isOfFile ? endpoint.isInsecureByHost : endpoint.insecure;
    const secrets = secretsOf(credentials);
    if (way.scheme === 'bearer') {
      const token = await fetchToken(this.#transport, endpoint, way, url, credentials, isOfFile);
      return { header: `Bearer ${token}`, insecure, secrets: [...secrets, token] };
    }
    if (credentials === undefined) return undefined;
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
