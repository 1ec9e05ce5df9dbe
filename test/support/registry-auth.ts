import { type Answer, type LoggedRequest, refusal } from './registry-answer.ts';

export interface RegistryAuth {
  readonly basic?: { readonly username: string; readonly password: string };
  /** Tokens from an endpoint of the registry; without a username anybody gets one. */
  readonly bearer?: {
    readonly username?: string;
    readonly password?: string;
    /** The `WWW-Authenticate` header to send, where `{realm}` stands for the endpoint's URL. */
    readonly challenge?: string;
  };
}

/** Lets a request in, or says how to get in: RFC 7235, and docker's "Token Authentication". */
export class Gate {
  readonly #auth: RegistryAuth;
  readonly #realm: string;
  readonly #tokens = new Map<string, string>();
  #count = 0;

  constructor(auth: RegistryAuth | undefined, origin: string) {
    this.#auth = auth ?? {};
    this.#realm = `${origin}/token`;
  }

  /** The answer of the gate; undefined lets the request pass. */
  answer(request: LoggedRequest): Answer | undefined {
    const { basic, bearer } = this.#auth;
    if (this.isForToken(request)) return this.#token(request);
    if (basic !== undefined && request.authorization !== encode(basic)) {
      return unauthorized('Basic realm="test"');
    }
    if (bearer === undefined) return undefined;
    const name = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(request.path)?.[1];
    const scope = name === undefined ? '' : `repository:${name}:pull`;
    const token = request.authorization?.replace(/^Bearer /, '') ?? '';
    const granted = this.#tokens.get(token);
    if (granted !== undefined && (scope === '' || granted === scope)) return undefined;
    const challenge =
      bearer.challenge ?? `Bearer realm="{realm}",service="test registry",scope="${scope}"`;
    return unauthorized(challenge.replace('{realm}', this.#realm));
  }

  isForToken({ path }: LoggedRequest): boolean {
    return this.#auth.bearer !== undefined && path.startsWith('/token');
  }

  expireTokens(): void {
    this.#tokens.clear();
  }

  #token({ path, authorization }: LoggedRequest): Answer {
    const { username, password = '' } = this.#auth.bearer ?? {};
    if (username !== undefined && authorization !== encode({ username, password })) {
      return refusal(401, 'UNAUTHORIZED', 'incorrect username or password');
    }
    const token = `token-${++this.#count}`;
    this.#tokens.set(token, new URL(path, this.#realm).searchParams.get('scope') ?? '');
    const body = Buffer.from(JSON.stringify({ token, expires_in: 300 }));
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
}

function unauthorized(challenge: string): Answer {
  return refusal(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenge });
}

function encode({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
