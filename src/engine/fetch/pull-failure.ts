import { cutShort } from '../../common/concealed.ts';
import { parseName } from '../../image/name.ts';
import { RegistryError, type RegistryErrorCode } from '../../registry/errors.ts';
import { EngineError } from '../errors.ts';

/** An engine that pulls by itself, as far as messages differ. */
export interface Puller {
  /** `podman` */
  readonly program: string;
  /** How to make the engine trust a registry's certificate. */
  readonly trust: (registry: string) => string;
  /** How to make the engine speak plain HTTP with a registry. */
  readonly plain: (registry: string) => string;
  /** How to log in to a registry. */
  readonly login: (registry: string) => string;
}

/** The longest quotation of an engine, in characters. */
const LONGEST = 500;

/**
 * Turns an engine's message, the only thing that it tells about a failed pull, into an error with a hint,
 * which says whether trying again makes sense.
 *
 * @param name `repository@digest`, as the engine was asked for it.
 * @returns undefined if the registry seems not to be the reason.
 */
export function registryFailure(
  puller: Puller,
  name: string,
  words: string,
  cause?: EngineError,
): RegistryError | undefined {
  const { registry, digest = name } = parseName(name);
  const meaning = meanings(registry, puller).find(({ said }) => said.test(words));
  if (meaning === undefined) return undefined;
  const message = `${puller.program} did not pull ${digest}: ${cutShort(words, LONGEST)}`;
  return new RegistryError(meaning.code, message, { hint: meaning.hint, cause });
}

/** The error to throw for what the call that asks an engine for a pull has thrown. */
export function pullRefused(puller: Puller, name: string, error: unknown): unknown {
  if (!(error instanceof EngineError) || error.code !== 'engine-failed') return error;
  if (error.words === undefined) return error;
  return registryFailure(puller, name, error.words, error) ?? error;
}

interface Meaning {
  /** The wording of podman 4.3 and 5.4, of docker 20.10, 26.1 and 28.5, and of containerd 1.6, 1.7 and 2.1. */
  readonly said: RegExp;
  readonly code: RegistryErrorCode;
  readonly hint: string;
}

function meanings(registry: string, { trust, plain, login }: Puller): readonly Meaning[] {
  return [
    { said: /x509:/, code: 'registry-unreachable', hint: trust(registry) },
    {
      said: /server gave HTTP response to HTTPS client/,
      code: 'registry-unreachable',
      hint: `${registry} speaks plain HTTP: ${plain(registry)}`,
    },
    {
      said: /dial tcp|connection refused|connection reset|no such host|i\/o timeout|: EOF$/,
      code: 'registry-unreachable',
      hint: `see whether the network and ${registry} are up, then run the same command again`,
    },
    {
      said: /rejected by policy/,
      code: 'policy-rejected',
      hint: 'choose another image, or change policy.json',
    },
    {
      said: status('401', 'unauthorized', 'no basic auth credentials', 'authorization failed'),
      code: 'unauthorized',
      hint: `${login(registry)}, or check the name`,
    },
    {
      said: status('403', 'denied:', 'access denied'),
      code: 'forbidden',
      hint: `ask for the right to pull, or log in to ${registry} as another user`,
    },
    {
      said: status('404', '(?:manifest|blob|name) unknown', ': not found$'),
      code: 'not-found',
      hint: 'check the name and the tag: they may be gone',
    },
    {
      said: status('429', 'too ?many ?requests'),
      code: 'rate-limited',
      hint: 'try again later, or log in to be allowed more',
    },
    {
      said: status('5\\d\\d'),
      code: 'registry-failed',
      hint: 'try again later: the registry is at fault',
    },
  ];
}

/**
 * A pattern for HTTP statuses in messages of containers/image, docker and containerd, by number or by the
 * words that they use for them.
 */
function status(codes: string, ...words: readonly string[]): RegExp {
  const by =
    '(?:status code from registry|StatusCode:|HTTP status:|HTTP response code|unexpected status:|unexpected status(?: code| from \\w+ request to)? [^ ]*:)';
  return new RegExp([`${by} ${codes}\\b`, ...words].join('|'), 'i');
}
