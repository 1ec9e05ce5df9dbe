import { append } from '../common/append.ts';
import { parseName, repositoryOf } from '../image/name.ts';
import type { Access } from './access.ts';
import { Hosts, isSilence, LeftAlone, type RetryTimes } from './circuit-breaker.ts';
import { type Place, placesOf } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { printable } from './failure.ts';
import type { RegistriesConf } from './registries-conf.ts';

/** What is done at each place until it is done at one. */
interface Work<T> {
  /** `isLast`: there is no quicker one to ask if this one is slow. */
  readonly ask: (place: Place, isLast: boolean) => Promise<T>;
  readonly signal?: AbortSignal | undefined;
  /** Of what is asked for: a place that gave something else for it is not asked for it again. */
  readonly digest?: string;
  /** Whether the next place may still do it, when one has failed half-way. */
  readonly mayGoOn?: () => boolean;
}

/**
 * The places of an image, asked one after the other. As containers/image does, whatever is wrong
 * with one, the next is asked.
 */
export class Failover {
  readonly #conf: RegistriesConf;
  readonly #hosts: Hosts;
  /** Places that failed where a later one did not, or were waited for in vain: asked last from then on. */
  readonly #left = new Set<string>();
  /** Places with the digest for which they gave something else. */
  readonly #lies = new Set<string>();

  constructor(conf: RegistriesConf, retryTimes: RetryTimes = new Map()) {
    this.#conf = conf;
    this.#hosts = new Hosts(retryTimes);
  }

  /** Where a full name is looked up. */
  placesOf(name: string, access: Access): readonly Place[] {
    return this.#ordered(placesOf(name, this.#conf, access));
  }

  /**
   * Where something of an image is fetched by its digest: the places for digests. If the name has
   * a tag, the others come after them: what the tag means there may not be anywhere else yet.
   */
  placesOfDigest(name: string, digest: string, access: Access): readonly Place[] {
    const byDigest = placesOf(`${repositoryOf(name)}@${digest}`, this.#conf, access);
    const byTag =
      parseName(name).digest === undefined ? placesOf(name, this.#conf, access) : byDigest;
    const isOther = (place: Place) => !byDigest.some((known) => keyOf(known) === keyOf(place));
    return this.#ordered([...byDigest, ...byTag.filter(isOther)]);
  }

  /**
   * @throws {RegistryError} that of the last place, with what was wrong with the others.
   */
  async first<T>(
    places: readonly Place[],
    { ask, signal, digest = '', mayGoOn = () => true }: Work<T>,
  ): Promise<{ readonly place: Place; readonly result: T }> {
    const honest = places.filter((place) => !this.#lies.has(lieKey(place, digest)));
    const asked = honest.length > 0 ? honest : places;
    let failed: Failed[] = [];
    const quick = asked.filter((place) => place.blockedBy === undefined && !this.#isLeft(place));
    const queue = asked.map((place) => ({
      place,
      isLast: quick.indexOf(place) === quick.length - 1 || !quick.includes(place),
    }));
    for (const { place, isLast } of queue) {
      try {
        const result = await this.ask(place, () => ask(place, isLast));
        for (const { place: other, error } of failed) this.#left.add(leftKey(other, error));
        return { place, result };
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof RegistryError)) throw error;
        failed.push({ place, error });
        if (error.code === 'digest-mismatch') this.#lies.add(lieKey(place, digest));
        if (isSilence(error)) this.#left.add(leftKey(place, error));
        if (!mayGoOn()) break;
        if (place !== asked.at(-1)) continue;
        // No other has it: those that were only slow are waited for.
        const slow = failed.filter((other) => other.error.code === 'too-slow');
        failed = failed.filter((other) => !slow.includes(other));
        append(
          queue,
          slow.map((other) => ({ place: other.place, isLast: true })),
        );
      }
    }
    throw allFailed(failed);
  }

  /**
   * Asks a place, if there is sense in that.
   *
   * @throws {RegistryError}
   */
  async ask<T>(place: Place, work: () => Promise<T>): Promise<T> {
    if (place.blockedBy !== undefined) throw blocked(place, place.blockedBy);
    return this.#hosts.ask(place, work);
  }

  #ordered(places: readonly Place[]): readonly Place[] {
    const isLeft = (place: Place) => this.#isLeft(place);
    return [...places.filter((place) => !isLeft(place)), ...places.filter(isLeft)];
  }

  #isLeft(place: Place): boolean {
    return this.#left.has(place.host) || this.#left.has(keyOf(place));
  }
}

interface Failed {
  readonly place: Place;
  readonly error: RegistryError;
}

function keyOf({ host, repository }: Place): string {
  return `${host}/${repository}`;
}

/** Who can't be reached, or says nothing, does so for any repository. */
function leftKey(place: Place, error: RegistryError): string {
  const isAway = error.code === 'registry-unreachable' || isSilence(error);
  return isAway ? place.host : keyOf(place);
}

function lieKey(place: Place, digest: string): string {
  return `${keyOf(place)} ${digest}`;
}

function blocked({ registry, repository }: Place, prefix: string): RegistryError {
  return new RegistryError(
    'blocked',
    `${registry}/${repository} is blocked by registries.conf (${prefix})`,
    {
      hint: 'choose another image, or take blocked = true out of the host’s registries.conf',
    },
  );
}

const MAX_OTHERS = 3;

/** That a place was not asked says little where others were: they are what was to serve. */
function allFailed(failed: readonly Failed[]): RegistryError {
  const open = failed.filter(({ error: { code } }) => code !== 'blocked');
  const error =
    open.findLast((other) => !(other.error instanceof LeftAlone)) ?? open.at(-1) ?? failed.at(-1);
  if (error === undefined) throw new TypeError('expected a place to ask, found none');
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
