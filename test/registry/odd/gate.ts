import { basicOf, IDENTITY_TOKEN, ROBOT, secretsOfClients } from './clients.ts';
import { type Draft, draftOf, refusalOf } from './draft.ts';
import type { Asked } from './listener.ts';
import type { Login } from './login.ts';

/** The scope of the image's repository, wherever a mirror has it. */
const SCOPE = /^repository:.*acme\/app:pull$/;

/** Lets clients in, or says how to get in. It remembers the tokens that it gave. */
export class Gate {
  readonly #login: Login;
  readonly #port: string;
  readonly #realm: string;
  /** For each token the scopes that it was asked for, and how often it may be used. */
  readonly #tokens = new Map<string, { readonly scopes: readonly string[]; left: number }>();

  constructor(login: Login, origins: Readonly<Record<'own' | 'elsewhere' | 'plain', string>>) {
    this.#login = login;
    this.#port = origins.own.replace(/^.*:/, '');
    const isTls = origins.own.startsWith('https:');
    const nowhere = `${isTls ? 'https' : 'http'}://127.0.0.1:1`;
    this.#realm = `${{ ...origins, relative: '', nowhere }[login.realm]}/token`;
  }

  /** Every secret that it gave, and the robot's own. */
  get secrets(): readonly string[] {
    return [...this.#tokens.keys(), ...secretsOfClients];
  }

  /** The answer of the gate; undefined lets the request pass. */
  answer({ path, headers }: Asked): Draft | undefined {
    const { accepts, stranger, isPingOpen } = this.#login;
    const shown = headers.get('authorization');
    const isPing = /^\/v2\/?$/.test(path);
    if (isPing && isPingOpen) return undefined;
    if (accepts.includes('basic') && shown === BASIC) return undefined;
    if (accepts.includes('bearer') && this.#takes(shown)) return undefined;
    const isStranger = shown === undefined && !isPing;
    if (isStranger && typeof stranger === 'number') return refusalOf(stranger);
    return this.#challenged(path, isStranger && stranger !== 'challenge' ? 403 : 401);
  }

  /** The token server's answer. */
  token({ method, path, headers, body: form }: Asked): Draft {
    const { isPublic, token, tokenStatus, tokenLength, uses } = this.#login;
    const asked =
      method === 'POST' ? new URLSearchParams(form) : new URL(path, 'http://x').searchParams;
    const shown = headers.get('authorization');
    const refreshed = asked.get('refresh_token');
    const isKnown = shown === BASIC || refreshed === IDENTITY_TOKEN;
    const isNobody = shown === undefined && refreshed === null;
    if (!isKnown && !(isNobody && isPublic)) return refusalOf(401);
    // Tokens of two registries differ, so that one at the wrong place is seen.
    const name = `token-${this.#tokens.size}-of-${this.#port}-`.padEnd(tokenLength, 'x');
    const scopes = asked.getAll('scope');
    this.#tokens.set(name, { scopes, left: uses });
    const body = token.replaceAll('{token}', name);
    return draftOf(tokenStatus, { 'Content-Type': 'application/json' }, body);
  }

  #takes(shown: string | undefined): boolean {
    const given = this.#tokens.get(shown?.replace(/^Bearer /, '') ?? '');
    if (given === undefined || given.left === 0) return false;
    if (this.#login.checksScope && !given.scopes.some((scope) => SCOPE.test(scope))) return false;
    given.left--;
    return true;
  }

  #challenged(path: string, status: number): Draft {
    const [, repository = 'acme/app'] = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(path) ?? [];
    const scope = `repository:${repository}:pull`;
    const { challenges, isApart } = this.#login;
    const spelled = challenges.map((text) =>
      text.replace('{realm}', this.#realm).replace('{scope}', scope),
    );
    const lines = (isApart ? spelled : [spelled.join(', ')]).map(
      (text) => `WWW-Authenticate: ${text}`,
    );
    const refused = refusalOf(status);
    return { ...refused, headers: [...refused.headers, ...lines] };
  }
}

const BASIC = `Basic ${basicOf(ROBOT)}`;
