import { parseName } from '../../../image/name.ts';
import { RegistryError, type RegistryErrorCode } from '../../../registry/errors.ts';
import type { EngineError } from '../../errors.ts';
import { failed } from '../api/failure.ts';

/**
 * Turns podman's message, the only thing that it tells about a failed pull, into an error with a hint,
 * which says whether trying again makes sense.
 *
 * @param name `repository@digest`, as podman was asked for it.
 */
export function pullFailed(name: string, words: string): EngineError | RegistryError {
  const { registry, digest = name } = parseName(name);
  const meaning = meanings(registry).find(({ said }) => said.test(words));
  if (meaning === undefined) return failed(`it did not pull ${digest}: ${words}`);
  const message = `podman did not pull ${digest}: ${words}`;
  return new RegistryError(meaning.code, message, { hint: meaning.hint });
}

interface Meaning {
  /** The wording of containers/image in podman 4.3 and 5.4. */
  readonly said: RegExp;
  readonly code: RegistryErrorCode;
  readonly hint: string;
}

function meanings(registry: string): readonly Meaning[] {
  return [
    {
      said: /x509:/,
      code: 'registry-unreachable',
      hint: `add the CA to the certificates of the system or to certs.d/${registry}, or set insecure = true in registries.conf`,
    },
    {
      said: /server gave HTTP response to HTTPS client/,
      code: 'registry-unreachable',
      hint: `${registry} speaks plain HTTP: set insecure = true for it in registries.conf`,
    },
    {
      said: /dial tcp|connection refused|connection reset|no such host|i\/o timeout/,
      code: 'registry-unreachable',
      hint: `see whether the network and ${registry} are up, then run the same command again`,
    },
    {
      said: /rejected by policy/,
      code: 'policy-rejected',
      hint: 'choose another image, or change policy.json',
    },
    {
      said: status('401', 'unauthorized'),
      code: 'unauthorized',
      hint: `log in with \`podman login ${registry}\`, or check the name`,
    },
    {
      said: status('403', 'denied:'),
      code: 'forbidden',
      hint: `ask for the right to pull, or log in to ${registry} as another user`,
    },
    {
      said: status('404', '(?:manifest|blob|name) unknown'),
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
 * A pattern for HTTP statuses in messages of containers/image, by number or by the words that it uses for
 * them.
 */
function status(codes: string, ...words: readonly string[]): RegExp {
  const number = `(?:status code from registry|StatusCode:|HTTP status:) ${codes}\\b`;
  return new RegExp([number, ...words].join('|'), 'i');
}
