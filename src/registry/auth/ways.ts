import type { Endpoint } from '../endpoint.ts';
import { type Challenge, parseChallenges } from './challenge.ts';

/** A way to prove to a registry who the client is. */
export type Way =
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'bearer';
      readonly challenge: Challenge;
      /** The rights that the token is to give. */
      readonly scopes: readonly string[];
    };

/** No registry offers more than two or three; each costs a request or two. */
const MAX_WAYS = 4;

/** The most scopes of a challenge that are asked for. Registries name one. */
const MAX_SCOPES = 16;

/**
 * The ways that a registry offers, in its order, which other clients follow: RFC 9110, section 11.6.1, leaves the
 * choice to the client.
 *
 * A token is asked for the right to pull this repository, whatever scope the challenge names: some registries
 * name a placeholder, such as `repository:user/image:pull`. Only if no way serves, the scope of the challenge
 * is added.
 */
export function waysOf(
  header: string,
  { repository }: Pick<Endpoint, 'repository'>,
): readonly Way[] {
  const own = `repository:${repository}:pull`;
  const ways: Way[] = [];
  const others: Way[] = [];
  for (const challenge of parseChallenges(header)) {
    const { scheme, parameters } = challenge;
    if (scheme === 'basic') ways.push({ scheme });
    if (scheme !== 'bearer') continue;
    ways.push({ scheme, challenge, scopes: [own] });
    const scopes = (parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
    const given = scopes.slice(0, MAX_SCOPES);
    if (given.some((scope) => scope !== own)) {
      others.push({ scheme, challenge, scopes: [...new Set([own, ...given])] });
    }
  }
  return [...ways, ...others].slice(0, MAX_WAYS);
}
