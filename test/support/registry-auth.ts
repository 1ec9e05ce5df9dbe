import { type Answer, type LoggedRequest, refusal } from './registry-answer.ts';

export interface RegistryAuth {
  readonly basic?: { readonly username: string; readonly password: string };
  /** Tokens from an endpoint of the registry; without a username anybody gets one. */
  readonly bearer?: {
    readonly username?: string;
    readonly password?: string;
    /** The reply to a request for a token, where `{token}` stands for one. */
    readonly reply?: string;
  };
  /** The `WWW-Authenticate` header to send, where `{realm}` stands for the URL of the endpoint for tokens. */
  readonly challenge?: string;
  /** Only `/v2/` sends a challenge; everything else that is refused is answered with this status. */
  readonly hides?: number;
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
    if (this.isForToken(request)) return this.#token(request);
    const usual = this.#challengeFor(request);
    if (usual === undefined) return undefined;
    const { hides, challenge = usual } = this.#auth;
    if (hides === undefined || /^\/v2\/?$/.test(request.path)) {
      return unauthorized(challenge.replace('{realm}', this.#realm));
    }
    if (hides >= 400) return refusal(hides, 'NAME_UNKNOWN', 'nothing that you may see');
    const headers = { 'content-type': 'text/html' };
    return { status: hides, headers, body: Buffer.from('<html>Log in!</html>') };
  }

  /** The challenge for a request that proves too little. */
  #challengeFor({ path, authorization }: LoggedRequest): string | undefined {
    const { basic, bearer } = this.#auth;
    if (basic !== undefined && authorization !== encode(basic)) return 'Basic realm="test"';
    if (bearer === undefined) return undefined;
    const name = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(path)?.[1];
    const scope = name === undefined ? '' : `repository:${name}:pull`;
    const granted = this.#tokens.get(authorization?.replace(/^Bearer /, '') ?? '');
    if (granted !== undefined && (scope === '' || granted === scope)) return undefined;
    return `Bearer realm="{realm}",service="test registry",scope="${scope}"`;
  }

  isForToken({ path }: LoggedRequest): boolean {
    return this.#auth.bearer !== undefined && path.startsWith('/token');
  }

  expireTokens(): void {
    this.#tokens.clear();
  }

  #token({ path, authorization }: LoggedRequest): Answer {
    const { username, password = '', reply } = this.#auth.bearer ?? {};
    if (username !== undefined && authorization !== encode({ username, password })) {
      return refusal(401, 'UNAUTHORIZED', 'incorrect username or password');
    }
    const token = `token-${++this.#count}`;
    this.#tokens.set(token, new URL(path, this.#realm).searchParams.get('scope') ?? '');
    const usual = '{"token": "{token}", "expires_in": 300}';
    const body = Buffer.from((reply ?? usual).replace('{token}', token));
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
}

function unauthorized(challenge: string): Answer {
  return refusal(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenge });
}

function encode({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
