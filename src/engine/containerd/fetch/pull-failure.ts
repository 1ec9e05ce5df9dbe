import { ConnectError } from '@connectrpc/connect';
import { cutShort } from '../../../common/concealed.ts';
import { parseName } from '../../../image/name.ts';
import { RegistryError, type RegistryErrorCode } from '../../../registry/errors.ts';
import { EngineError } from '../../errors.ts';
import type { Containerd } from '../api/containerd.ts';

/** The longest quotation of containerd, in characters. */
const LONGEST = 500;

/**
 * Turns containerd's message about a failed pull into an error whose code and hint say whether trying again
 * makes sense.
 *
 * @param name `repository@digest`, as containerd was asked for it.
 */
export function pullFailed({ program }: Containerd, name: string, error: unknown): unknown {
  if (!(error instanceof EngineError) || error.code !== 'engine-failed') return error;
  const words = error.cause instanceof ConnectError ? error.cause.rawMessage : error.message;
  const { registry, digest = name } = parseName(name);
  const meaning = meanings(registry).find(({ said }) => said.test(words));
  if (meaning === undefined) return error;
  const message = `${program.name} did not pull ${digest}: ${cutShort(words, LONGEST)}`;
  return new RegistryError(meaning.code, message, { hint: meaning.hint, cause: error });
}

interface Meaning {
  /** The wording of containerd 1.6, 1.7 and 2.1. */
  readonly said: RegExp;
  readonly code: RegistryErrorCode;
  readonly hint: string;
}

function meanings(registry: string): readonly Meaning[] {
  const hosts = `/etc/containerd/certs.d/${registry}/hosts.toml`;
  return [
    {
      said: /x509:/,
      code: 'registry-unreachable',
      hint: `add the CA to the certificates of the system, or name it in ${hosts}`,
    },
    {
      said: /server gave HTTP response to HTTPS client/,
      code: 'registry-unreachable',
      hint: `${registry} speaks plain HTTP: say so in ${hosts}`,
    },
    {
      said: /dial tcp|connection refused|connection reset|no such host|i\/o timeout|: EOF$/,
      code: 'registry-unreachable',
      hint: `see whether the network and ${registry} are up, then run the same command again`,
    },
    {
      said: /authorization failed|\b401 Unauthorized/,
      code: 'unauthorized',
      hint: `log in to ${registry} (\`podman login\`), or check the name`,
    },
    {
      said: /\b403 Forbidden/,
      code: 'forbidden',
      hint: `ask for the right to pull, or log in to ${registry} as another user`,
    },
    {
      said: /\b429 Too Many Requests/i,
      code: 'rate-limited',
      hint: 'try again later, or log in to be allowed more',
    },
    {
      said: /: not found$/,
      code: 'not-found',
      hint: 'check the name and the tag: they may be gone',
    },
    {
      said: /unexpected status.*\b5\d\d /,
      code: 'registry-failed',
      hint: 'try again later: the registry is at fault',
    },
  ];
}
