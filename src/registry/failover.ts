import { append } from '../common/append.ts';
import { parseName, repositoryOf } from '../image/name.ts';
import type { Access } from './access.ts';
import { CircuitBreaker, isSilence, LeftAlone, type RetryTimes } from './circuit-breaker.ts';
import { type Endpoint, endpointsOf } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { printable } from './failure.ts';
import { Limits } from './limits.ts';
import { isPassing } from './passing.ts';
import type { RegistriesConf } from './registries-conf.ts';

/** A request that is sent to one endpoint after the other until it succeeds. */
interface Work<T> {
  /** `isLast`: no faster endpoint is left to ask if this one is slow. */
  readonly ask: (endpoint: Endpoint, isLast: boolean) => Promise<T>;
  readonly signal?: AbortSignal | undefined;
  /**
   * The digest of the requested bytes: an endpoint that sent other bytes for it is not asked for them
   * again.
   */
  readonly digest?: string;
  /** Whether the next endpoint can still take over when one has failed halfway. */
  readonly mayGoOn?: () => boolean;
}

/**
 * Asks the endpoints of an image one after the other: whatever fails at one, the next is asked, as in
 * containers/image. It remembers for one run which endpoints failed.
 */
export class Failover {
  readonly #conf: RegistriesConf;
  readonly #breaker: CircuitBreaker;
  readonly #limits: Limits;
  /**
   * Endpoints that were silent, or that failed while a later one succeeded: they are asked last from then
   * on.
   */
  readonly #left = new Set<string>();
  /** Endpoints, each with a digest for which it sent other bytes. */
  readonly #lies = new Set<string>();

  constructor(conf: RegistriesConf, retryTimes: RetryTimes = new Map(), limits = new Limits()) {
    this.#conf = conf;
    this.#limits = limits;
    this.#breaker = new CircuitBreaker(retryTimes);
  }

  /** The endpoints at which a full name is looked up. */
  endpointsOf(name: string, access: Access): readonly Endpoint[] {
    return this.#ordered(endpointsOf(name, this.#conf, access));
  }

  /**
   * The endpoints that can have a part of an image by its digest: those for digests. If the name has a tag,
   * the endpoints for tags follow, because a new image may be only there yet.
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
   * @throws {RegistryError} the error of the registry itself, if it was asked; its message quotes the others.
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
        // No endpoint has it: those that were only slow are asked again, and waited for.
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
   * Asks an endpoint unless it is blocked or the circuit breaker is open.
   *
   * @throws {RegistryError}
   */
  async ask<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
    if (endpoint.blockedBy !== undefined) throw blocked(endpoint, endpoint.blockedBy);
    return this.#limits.inTurn(endpoint.registry, () => this.#breaker.ask(endpoint, work));
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

/**
 * The key of a failed endpoint: the whole host if it is silent or can't be reached, since that affects all
 * repositories.
 */
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
      hint: 'choose another image, or remove blocked = true from the host’s registries.conf',
    },
  );
}

const MAX_OTHERS = 3;

/**
 * The error that sums up all failures. The error of the registry itself comes first, also where a mirror that
 * failed earlier was asked after it. The error of an endpoint that was not asked explains less than any other.
 * Asking again makes sense if any endpoint may then answer.
 */
function allFailed(failed: readonly Failed[]): RegistryError {
  const open = failed.filter(({ error: { code } }) => code !== 'blocked');
  const asked = open.filter((other) => !(other.error instanceof LeftAlone));
  const error =
    asked.findLast(({ endpoint }) => !endpoint.isMirror) ??
    asked.at(-1) ??
    open.at(-1) ??
    failed.at(-1);
  if (error === undefined) throw new TypeError('expected an endpoint to ask, found none');
  const others = failed.filter((other) => other !== error).map((other) => other.error.message);
  if (others.length === 0) return error.error;
  const shown = others.slice(0, MAX_OTHERS).map((message) => printable(message, 400));
  const more = others.length > MAX_OTHERS ? `; and ${others.length - MAX_OTHERS} more` : '';
  const { code, message, hint } = error.error;
  return new RegistryError(code, `${message}; also tried: ${shown.join('; ')}${more}`, {
    hint,
    cause: error.error.cause,
    retryAfter: error.error.retryAfter,
    passing: soonest(asked.map((other) => other.error).filter(isPassing)),
  });
}

/** The failure after which an endpoint may be asked again first. */
function soonest(errors: readonly RegistryError[]): RegistryError | undefined {
  const [first] = errors.toSorted((a, b) => (a.retryAfter ?? 0) - (b.retryAfter ?? 0));
  return first;
}
