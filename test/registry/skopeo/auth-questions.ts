import fc from 'fast-check';
import type { RegistryAuth } from '../../support/registry-auth.ts';
import type { Question } from './compare.ts';
import { HOME } from './world.ts';

const login = { username: 'robot', password: 'right:one' };

const KEYS = [
  'a.example.com',
  'a.example.com/team',
  'a.example.com/team/app',
  'a.example.com/tea',
  'http://https://a.example.com/v1/',
  'docker.io',
  'docker.io/library',
  'https://index.docker.io/v1/',
  'mirror.example:5000',
  'mirror.example:5000/m/team',
  'mirror.example',
];

const encode = (text: string) => Buffer.from(text).toString('base64');

const entry: fc.Arbitrary<object | null> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ auth: encode('robot:right:one') }) },
  { weight: 6, arbitrary: fc.constant({ auth: encode('robot:wrong') }) },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      {},
      null,
      { auth: '' },
      { auth: encode('nocolon') },
      { auth: encode(':') },
      { auth: encode('robot:') },
      { auth: encode(':alone') },
      { auth: encode('\0robot:\0right:one\0\0') },
      { auth: `${encode('robot:right:one').slice(0, 4)}\n${encode('robot:right:one').slice(4)}` },
      { auth: encode('robot:'), identitytoken: 'refresh' },
      { identitytoken: 'refresh' },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ auth: encode('robot:wrong').replace(/=+$/, '') }, { auth: '%%%' }),
  },
);

const helper = fc.constantFrom('right', 'right', 'none', 'fails', 'token', 'nonsense', 'absent');

const auths = fc.dictionary(fc.constantFrom(...KEYS), entry, { maxKeys: 4 });

const authFile = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .record(
        {
          auths,
          credHelpers: fc.dictionary(
            fc.constantFrom(
              'a.example.com',
              'docker.io',
              'mirror.example:5000',
              'a.example.com/team',
            ),
            helper,
            { maxKeys: 2 },
          ),
        },
        { requiredKeys: [] },
      )
      .map((file) => JSON.stringify(file)),
  },
  { weight: 1, arbitrary: fc.constantFrom('{', '', '{"auths": 1}', '{"auths": null}') },
);

// Only one key of each host: of several, Go takes any.
const legacy = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .dictionary(
        fc.constantFrom('a.example.com/team', 'https://index.docker.io/v1/', 'mirror.example:5000'),
        entry,
      )
      .map((file) => JSON.stringify(file)),
  },
  { weight: 1, arbitrary: fc.constant('{') },
);

const auth: fc.Arbitrary<RegistryAuth> = fc.constantFrom(
  { basic: login },
  { bearer: login },
  { bearer: {} },
  { basic: login, hides: 404 },
  { bearer: login, hides: 401 },
  { bearer: {}, hides: 403 },
  { bearer: login, challenge: 'Bearer realm="{realm}",scope="repository:user/image:pull"' },
  { basic: login, challenge: 'Basic realm="x", Bearer realm="https://nobody.example/token"' },
  { bearer: { ...login, reply: '{"token": null, "Access_Token": "{token}", "expires_in": null}' } },
);

/** Auth files, helpers and variables. */
export const authQuestions: fc.Arbitrary<Question> = fc
  .record({
    name: fc.constantFrom('a.example.com/team/app:1', 'docker.io/library/app:1'),
    files: fc.record(
      {
        '/run/containers/0/auth.json': authFile,
        '/run/user/7/containers/auth.json': authFile,
        [`${HOME}/.config/containers/auth.json`]: authFile,
        [`${HOME}/xdg/containers/auth.json`]: authFile,
        [`${HOME}/.docker/config.json`]: authFile,
        [`${HOME}/docker/config.json`]: authFile,
        [`${HOME}/.dockercfg`]: legacy,
        [`${HOME}/explicit.json`]: authFile,
      },
      { requiredKeys: [] },
    ),
    variables: fc.record(
      {
        XDG_RUNTIME_DIR: fc.constantFrom('/run/user/7', '/run/user/8', ''),
        XDG_CONFIG_HOME: fc.constantFrom(`${HOME}/xdg`, ''),
        DOCKER_CONFIG: fc.constantFrom(`${HOME}/docker`, ''),
      },
      { requiredKeys: [] },
    ),
    isExplicit: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
    helpers: fc.oneof(
      { weight: 2, arbitrary: fc.constant(undefined) },
      {
        weight: 1,
        arbitrary: fc.array(fc.oneof(fc.constant('containers-auth.json'), helper), {
          maxLength: 3,
        }),
      },
    ),
    isMirrored: fc.boolean(),
    auth,
    mirrorAuth: auth,
  })
  .map(({ name, files, variables, isExplicit, helpers, isMirrored, auth: own, mirrorAuth }) => {
    const conf = [
      ...(helpers === undefined ? [] : [`credential-helpers = ${JSON.stringify(helpers)}`]),
      ...(isMirrored ? MIRRORED : []),
    ].join('\n');
    return {
      name,
      files: { ...files, ...HELPERS, '/etc/containers/registries.conf': conf },
      environment: {
        ...variables,
        ...(isExplicit ? { REGISTRY_AUTH_FILE: `${HOME}/explicit.json` } : {}),
      },
      behaviours: {
        'a.example.com': { auth: own },
        'registry-1.docker.io': { auth: own },
        'mirror.example': { auth: mirrorAuth, ...(isMirrored ? {} : { status: 500 }) },
      },
    };
  });

const MIRRORED = [
  '[[registry]]',
  'location = "a.example.com"',
  '[[registry.mirror]]',
  'location = "mirror.example:5000/m"',
  'insecure = true',
];

const script = (name: string, body: string) => [
  `${HOME}/bin/docker-credential-${name}`,
  `#!/bin/sh\nread -r server\n${body}\n`,
];

/** Programs of docker's protocol for credential helpers. */
const HELPERS: Readonly<Record<string, string>> = Object.fromEntries([
  script('right', `echo '{"Username":"robot","Secret":"right:one"}'`),
  script('none', 'echo "credentials not found in native keychain"; exit 1'),
  script('fails', 'echo "no credentials today"; exit 1'),
  script('token', `echo '{"Username":"<token>","Secret":"refresh"}'`),
  script('nonsense', 'echo nonsense'),
]);
