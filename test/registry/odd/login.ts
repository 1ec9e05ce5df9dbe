import fc from 'fast-check';
import { often } from './often.ts';

/** How an odd registry lets clients in. */
export interface Login {
  /** The challenges, in which `{realm}` and `{scope}` stand for the right ones. */
  readonly challenges: readonly string[];
  /** Whether each challenge has a header of its own. */
  readonly isApart: boolean;
  readonly accepts: readonly ('basic' | 'bearer')[];
  /** Whether tokens are given to anybody. */
  readonly isPublic: boolean;
  /** Whether a token must have been asked for with the right scope. */
  readonly checksScope: boolean;
  /** The answer to a request for anything but `/v2/` that shows nothing: a challenge, or a bare status. */
  readonly stranger: 'challenge' | 401 | 403 | 404 | 'challenge with 403';
  /** Whether `/v2/` is open to anybody. */
  readonly isPingOpen: boolean;
  /** The token server: at the registry, at another host, at one without TLS, or nowhere. */
  readonly realm: 'own' | 'elsewhere' | 'plain' | 'relative' | 'nowhere';
  /** The token server's reply, in which `{token}` stands for the token. */
  readonly token: string;
  readonly tokenStatus: number;
  /** A token of that many characters. */
  readonly tokenLength: number;
  /** After so many uses a token is worth nothing. */
  readonly uses: number;
  /** What the client has for this registry. */
  readonly client: 'right' | 'wrong' | 'nothing' | 'identity token';
}

const CHALLENGES: readonly {
  readonly is: readonly string[];
  readonly accepts: Login['accepts'];
}[] = [
  ...[
    'Bearer realm="{realm}",service="odd",scope="{scope}"',
    'Bearer realm="{realm}",service="odd"',
    'Bearer realm="{realm}"',
    'bearer realm="{realm}", service="odd", scope="{scope}"',
    'BEARER   realm="{realm}" , service=odd',
    'Bearer service="odd",scope="repository:user/image:pull",realm="{realm}"',
    'Bearer realm="{realm}",service="odd",scope="repository:acme/app:pull,push repository:other/x:pull"',
    'Bearer realm="{realm}",service="",scope=""',
    'Bearer realm="{realm}?account=x",service="a,b"',
    'Bearer realm="{realm}",service="odd",error="invalid_token",error_description="none, \\"yet\\""',
    'Bearer Realm="{realm}",Service="odd",Scope="{scope}"',
    'Bearer realm={realm},service=odd',
    'Bearer realm = "{realm}" , service = "odd"',
    'Bearer,realm="{realm}",service="odd"',
    'Bearer realm="{realm}",,service="odd",',
  ].map((text) => ({ is: [text], accepts: ['bearer'] as const })),
  ...[
    'Basic realm="odd"',
    'Basic',
    'basic realm=odd, charset="UTF-8"',
    'BASIC realm=""',
    'Basic realm="a, Bearer realm=\\"b\\""',
  ].map((text) => ({ is: [text], accepts: ['basic'] as const })),
  { is: ['Basic realm="odd"', 'Bearer realm="{realm}",service="odd"'], accepts: ['bearer'] },
  {
    is: ['Basic realm="odd"', 'Bearer realm="{realm}",service="odd"'],
    accepts: ['basic', 'bearer'],
  },
  { is: ['Basic realm="odd"', 'Bearer realm="http://127.0.0.1:1/dead"'], accepts: ['basic'] },
  { is: ['Bearer realm="http://127.0.0.1:1/dead"', 'Basic realm="odd"'], accepts: ['basic'] },
  { is: ['Bearer realm="{realm}"', 'Basic realm="odd"'], accepts: ['basic', 'bearer'] },
  { is: ['Negotiate', 'Basic realm="odd"'], accepts: ['basic'] },
  { is: ['NTLM', 'Negotiate', 'Bearer realm="{realm}"'], accepts: ['bearer'] },
  {
    is: ['Digest realm="odd", nonce="x", qop="auth,auth-int"', 'Basic realm="odd"'],
    accepts: ['basic'],
  },
  { is: ['Negotiate YWJj==', 'Basic realm="odd"'], accepts: ['basic'] },
];

const TOKENS = [
  '{"token":"{token}"}',
  '{"token":"{token}","expires_in":300,"issued_at":"2020-01-01T00:00:00Z"}',
  '{"access_token":"{token}"}',
  '{"token":null,"access_token":"{token}"}',
  '{"token":"","access_token":"{token}","expires_in":3600}',
  '{"token":"{token}","access_token":"{token}"}',
  '{"token":"{token}","access_token":null}',
  '{"token":"{token}","expires_in":0}',
  '{"token":"{token}","expires_in":-1}',
  '{"token":"{token}","expires_in":null}',
  '{"token":"{token}","expires_in":"300"}',
  '{"token":"{token}","expires_in":299.5}',
  '{"token":"{token}","expires_in":1e3}',
  '{"token":"{token}","expires_in":99999999999999999999}',
  '{"token":"{token}","issued_at":null}',
  '{"token":"{token}","issued_at":""}',
  '{"token":"{token}","issued_at":"yesterday"}',
  '{"token":"{token}","issued_at":"2099-01-01T00:00:00.123456789+02:00"}',
  '{"token":"{token}","issued_at":1700000000}',
  '{"token":"{token}","scope":null,"refresh_token":null,"token_type":"bearer"}',
  '{"Token":"{token}"}',
  '\n {"token": "{token}"}\n\n',
  '\ufeff{"token":"{token}"}',
  '{"token":"{token}"} trailing',
  '{"token":"{token}","token":"{token}"}',
  `{"token":"{token}","padding":"${'x'.repeat(300_000)}"}`,
  `{"token":"{token}","padding":"${'x'.repeat(1_100_000)}"}`,
  '{"token":1}',
  '{"token":{}}',
  '{}',
  'null',
  '',
  '<html>Log in</html>',
] as const;

export const logins: fc.Arbitrary<Login> = fc
  .record({
    challenge: fc.constantFrom(...CHALLENGES),
    isApart: fc.boolean(),
    isPublic: fc.boolean(),
    checksScope: fc.boolean(),
    stranger: often(
      'challenge',
      fc.constantFrom<Login['stranger']>(401, 403, 404, 'challenge with 403'),
      2,
    ),
    isPingOpen: often(false, fc.constant(true), 14),
    realm: often(
      'own',
      fc.constantFrom('elsewhere', 'elsewhere', 'plain', 'relative', 'nowhere'),
      2,
    ),
    token: often(TOKENS[0], fc.constantFrom(...TOKENS), 2),
    tokenStatus: often(200, fc.constantFrom(201, 202, 400, 401, 403, 404, 500, 503, 302), 14),
    tokenLength: often(20, fc.constantFrom(5000, 20_000), 3),
    uses: often(Number.MAX_SAFE_INTEGER, fc.constantFrom(1, 2), 14),
    client: often(
      'right',
      fc.constantFrom('wrong', 'nothing', 'identity token', 'identity token'),
      6,
    ),
  })
  .map(({ challenge: { is, accepts }, ...rest }) => ({ ...rest, challenges: is, accepts }));
