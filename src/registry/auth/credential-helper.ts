import { execFile } from 'node:child_process';
import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import { Secret } from '../../common/secret.ts';
import { RegistryError } from '../errors.ts';
import type { Credentials } from './auth-file.ts';

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 64 * 1024;

/** Asks each helper once for a registry: a helper may be slow and use the network. */
export class CredentialHelpers {
  readonly #answers = new Map<string, Promise<Credentials | undefined>>();

  /** @throws {RegistryError} `registry-config` */
  async ask(name: string, server: string): Promise<Credentials | undefined> {
    const key = `${name} ${server}`;
    const answer = this.#answers.get(key) ?? askHelper(name, server);
    this.#answers.set(key, answer);
    return answer;
  }
}

/**
 * Asks `docker-credential-NAME get`: github.com/docker/docker-credential-helpers, "Development".
 *
 * @returns undefined if the helper has no credentials for the server.
 * @throws {RegistryError} `registry-config`
 */
export async function askHelper(
  name: string,
  server: string,
  timeout = TIMEOUT_MS,
): Promise<Credentials | undefined> {
  if (!/^[\w.-]{1,64}$/.test(name)) {
    throw failed(`a helper called ${JSON.stringify(name.slice(0, 64))}`, server, 'no such program');
  }
  const program = `docker-credential-${name}`;
  const answer = await run(program, server, timeout);
  if (answer === 'none') return undefined;
  const reply = parse(answer);
  if (reply === undefined) throw failed(program, server, 'an answer that breaks the protocol');
  // With this username a helper says that the secret is a refresh token.
  if (reply.Username === '<token>') {
    return { username: '', password: new Secret(''), identityToken: new Secret(reply.Secret) };
  }
  return { username: reply.Username, password: new Secret(reply.Secret) };
}

/**
 * The one error of a helper that means "none". Its other errors are not shown: they might quote a
 * secret.
 */
const NONE = /^\s*credentials not found in native keychain\s*$/;

async function run(program: string, server: string, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const limits = { timeout, killSignal: 'SIGKILL', maxBuffer: MAX_BYTES } as const;
    const child = execFile(program, ['get'], limits, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (NONE.test(stdout)) resolve('none');
      else reject(failed(program, server, error.killed === true ? 'no answer' : why(error)));
    });
    // If a helper ends without reading, its exit code is enough.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(server);
  });
}

function why({ code }: { readonly code?: string | number | undefined | null }): string {
  if (code === 'ENOENT') return 'no such program';
  return typeof code === 'number' ? `exit code ${code}` : String(code);
}

const schema = v.object({ Username: v.string(), Secret: v.string() });

function parse(text: string): v.InferOutput<typeof schema> | undefined {
  try {
    const checked = checkBy(schema, JSON.parse(text));
    return checked.success ? checked.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function failed(program: string, server: string, found: string): RegistryError {
  return new RegistryError(
    'registry-config',
    `expected the credentials for ${server} from ${program}, found ${found}`,
    { hint: `run \`echo ${server} | ${program} get\` to see why, or log in again` },
  );
}
