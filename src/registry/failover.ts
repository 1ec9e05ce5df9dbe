import { append } from '../common/append.ts';
import { parseName, repositoryOf } from '../image/name.ts';
import type { Access } from './access.ts';
import { CircuitBreaker, isSilence, LeftAlone, type RetryTimes } from './circuit-breaker.ts';
import { type Endpoint, endpointsOf } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { printable } from './failure.ts';
import type { RegistriesConf } from './registries-conf.ts';

/** What is done at each endpoint until it is done at one. */
interface Work<T> {
  /** `isLast`: there is no quicker one to ask if this one is slow. */
  readonly ask: (endpoint: Endpoint, isLast: boolean) => Promise<T>;
  readonly signal?: AbortSignal | undefined;
  /** Of what is asked for: an endpoint that gave something else for it is not asked for it again. */
  readonly digest?: string;
  /** Whether the next endpoint may still do it, when one has failed half-way. */
  readonly mayGoOn?: () => boolean;
}

/**
 * The endpoints of an image, asked one after the other. As containers/image does, whatever is wrong
 * with one, the next is asked.
 */
export class Failover {
  readonly #conf: RegistriesConf;
  readonly #breaker: CircuitBreaker;
  /** Endpoints that failed where a later one did not, or were waited for in vain: asked last from then on. */
  readonly #left = new Set<string>();
  /** Endpoints with the digest for which they gave something else. */
  readonly #lies = new Set<string>();

  constructor(conf: RegistriesConf, retryTimes: RetryTimes = new Map()) {
    this.#conf = conf;
    this.#breaker = new CircuitBreaker(retryTimes);
  }

  /** Where a full name is looked up. */
  endpointsOf(name: string, access: Access): readonly Endpoint[] {
    return this.#ordered(endpointsOf(name, this.#conf, access));
  }

  /**
   * Where something of an image is fetched by its digest: the endpoints for digests. If the name has
   * a tag, the others come after them: what the tag means there may not be anywhere else yet.
   */
  endpointsForDigest(name: string, digest: string, access: Access): readonly Endpoint[] {
    const byDigest = endpointsOf(`${repositoryOf(name)}@${digest}`, this.#conf, access);
    const byTag =
      parseName(name).digest === undefined ? endpointsOf(name, this.#conf, access) : byDigest;
    const isOther = (endpoint: Endpoint) =>
      !byDigest.some((known) => keyOf(known) === keyOf(endpoint));
    return this.#ordered([...byDigest, ...byTag.filter(isOther)]);
  }

  /**
   * @throws {RegistryError} that of the last endpoint, with what was wrong with the others.
   */
  async first<T>(
    endpoints: readonly Endpoint[],
    { ask, signal, digest = '', mayGoOn = () => true }: Work<T>,
  ): Promise<{ readonly endpoint: Endpoint; readonly result: T }> {
    const honest = endpoints.filter((endpoint) => !this.#lies.has(lieKey(endpoint, digest)));
    const asked = honest.length > 0 ? honest : endpoints;
    let failed: Failed[] = [];
    const quick = asked.filter(
      (endpoint) => endpoint.blockedBy === undefined && !this.#isLeft(endpoint),
    );
    const queue = asked.map((endpoint) => ({
      endpoint,
      isLast: quick.indexOf(endpoint) === quick.length - 1 || !quick.includes(endpoint),
    }));
    for (const { endpoint, isLast } of queue) {
      try {
        const result = await this.ask(endpoint, () => ask(endpoint, isLast));
        for (const { endpoint: other, error } of failed) this.#left.add(leftKey(other, error));
        return { endpoint, result };
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof RegistryError)) throw error;
        failed.push({ endpoint, error });
        if (error.code === 'digest-mismatch') this.#lies.add(lieKey(endpoint, digest));
        if (isSilence(error)) this.#left.add(leftKey(endpoint, error));
        if (!mayGoOn()) break;
        if (endpoint !== asked.at(-1)) continue;
        // No other has it: those that were only slow are waited for.
        const slow = failed.filter((other) => other.error.code === 'too-slow');
        failed = failed.filter((other) => !slow.includes(other));
        append(
          queue,
          slow.map((other) => ({ endpoint: other.endpoint, isLast: true })),
        );
      }
    }
    throw allFailed(failed);
  }

  /**
   * Asks an endpoint, if there is sense in that.
   *
   * @throws {RegistryError}
   */
  async ask<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
    if (endpoint.blockedBy !== undefined) throw blocked(endpoint, endpoint.blockedBy);
    return this.#breaker.ask(endpoint, work);
  }

  #ordered(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const isLeft = (endpoint: Endpoint) => this.#isLeft(endpoint);
    return [...endpoints.filter((endpoint) => !isLeft(endpoint)), ...endpoints.filter(isLeft)];
  }

  #isLeft(endpoint: Endpoint): boolean {
    return this.#left.has(endpoint.host) || this.#left.has(keyOf(endpoint));
  }
}

interface Failed {
  readonly endpoint: Endpoint;
  readonly error: RegistryError;
}

function keyOf({ host, repository }: Endpoint): string {
  return `${host}/${repository}`;
}

/** Who can't be reached, or says nothing, does so for any repository. */
function leftKey(endpoint: Endpoint, error: RegistryError): string {
  const isAway = error.code === 'registry-unreachable' || isSilence(error);
  return isAway ? endpoint.host : keyOf(endpoint);
}

function lieKey(endpoint: Endpoint, digest: string): string {
  return `${keyOf(endpoint)} ${digest}`;
}

function blocked({ registry, repository }: Endpoint, prefix: string): RegistryError {
  return new RegistryError(
    'blocked',
    `${registry}/${repository} is blocked by registries.conf (${prefix})`,
    {
      hint: 'choose another image, or take blocked = true out of the host’s registries.conf',
    },
  );
}

const MAX_OTHERS = 3;

/** That an endpoint was not asked says little where others were: they are what was to serve. */
function allFailed(failed: readonly Failed[]): RegistryError {
  const open = failed.filter(({ error: { code } }) => code !== 'blocked');
  const error =
    open.findLast((other) => !(other.error instanceof LeftAlone)) ?? open.at(-1) ?? failed.at(-1);
  if (error === undefined) throw new TypeError('expected an endpoint to ask, found none');
  const others = failed.filter((other) => other !== error).map((other) => other.error.message);
  if (others.length === 0) return error.error;
  const shown = others.slice(0, MAX_OTHERS).map((message) => printable(message, 400));
  const more = others.length > MAX_OTHERS ? `; and ${others.length - MAX_OTHERS} more` : '';
  const { code, message, hint } = error.error;
  return new RegistryError(code, `${message}; tried as well: ${shown.join('; ')}${more}`, {
    hint,
    cause: error.error.cause,
    retryAfter: error.error.retryAfter,
  });
}
