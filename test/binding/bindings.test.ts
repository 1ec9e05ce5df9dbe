import assert from 'node:assert/strict';
import test from 'node:test';
import { policyOf } from '../../src/binding/bind.ts';
import { bindingsOf } from '../../src/binding/bindings.ts';
import type { BoundReference, Survey } from '../../src/binding/survey.ts';
import { Secret } from '../../src/common/secret.ts';
import type { PullOptions, PullPolicy } from '../../src/discovery/reference.ts';
import { formatPlatform } from '../../src/image/platform.ts';
import type { FoundFile, Root } from '../../src/root/root.ts';

const app = 'quay.io/acme/app:1';
const db = 'quay.io/acme/db:16';
const own = { os: 'linux', architecture: 'amd64' };
const arm = { arch: 'arm64' };

interface Written extends Partial<Omit<BoundReference, 'pull' | 'decision'>> {
  readonly pull?: Partial<PullOptions>;
  readonly bound?: boolean;
}

let count = 0;

/** A reference to `app` in a unit of its own, unless the table says something else. */
function reference({ pull, bound = true, ...rest }: Written): BoundReference {
  const path = `/usr/share/containers/systemd/unit${++count}.container`;
  return {
    raw: app,
    path,
    line: 2,
    key: 'Image',
    kind: 'container',
    unit: `unit${count}.service`,
    unitPath: path,
    scope: 'system',
    activation: 'boot',
    via: [],
    image: app,
    engine: 'podman',
    problems: [],
    pull: { policy: 'missing', ...pull },
    decision: { bound, rule: 'of the test' },
    ...rest,
  };
}

/** A root whose only files are these; `public` shows the ones whose path is in /usr. */
function rootWith(files: Readonly<Record<string, string>> = {}): Root {
  const root: Root = {
    location: '/sysroot',
    as: () => rootWith(Object.fromEntries(Object.entries(files).filter(([path]) => inUsr(path)))),
    lookup: () => undefined,
    list: () => undefined,
    readFile: (path): FoundFile | undefined => {
      const text = files[path];
      if (text === undefined) return undefined;
      return { realPath: path, content: Buffer.from(text), isPrivate: false };
    },
    readStart: () => undefined,
    openFile: () => undefined,
    readLink: () => undefined,
    close: () => {},
  };
  return root;
}

const inUsr = (path: string) => path.startsWith('/usr/');

function bindings(
  references: readonly Written[],
  {
    select = 'bound',
    files,
    ...more
  }: Partial<Survey> & { select?: 'bound' | 'all'; files?: Readonly<Record<string, string>> } = {},
) {
  const survey: Survey = {
    location: '/sysroot',
    platform: own,
    references: references.map(reference),
    problems: [],
    policy: policyOf({ include: [], exclude: [] }, [], 'all'),
    links: [],
    archives: [],
    lock: {},
    storage: { additionalStores: [] },
    accounts: [],
    withoutHandover: [],
    ...more,
  };
  return bindingsOf(survey, rootWith(files), select);
}

/** Each binding in short: engine, name, platform, and how many references share it. */
function groups(...args: Parameters<typeof bindings>): readonly string[] {
  return bindings(...args).bindings.map(
    ({ engine, name, platform, references }) =>
      `${engine} ${name} ${formatPlatform(platform)} x${references.length}`,
  );
}

const grouping: readonly [string, readonly Written[], readonly string[]][] = [
  ['no reference, no binding', [], []],
  ['two references to one name', [{}, {}], ['podman quay.io/acme/app:1 linux/amd64 x2']],
  [
    'two names, in the order in which they are first named',
    [{ image: db }, {}, { image: db }],
    ['podman quay.io/acme/db:16 linux/amd64 x2', 'podman quay.io/acme/app:1 linux/amd64 x1'],
  ],
  [
    'one name on two engines',
    [{}, { engine: 'store' }],
    ['podman quay.io/acme/app:1 linux/amd64 x1', 'store quay.io/acme/app:1 linux/amd64 x1'],
  ],
  [
    'a platform that a unit asks for',
    [{ pull: arm }],
    ['podman quay.io/acme/app:1 linux/arm64 x1'],
  ],
  [
    'the architecture of the root, written out',
    [{}, { pull: { arch: 'amd64' } }],
    ['podman quay.io/acme/app:1 linux/amd64 x2'],
  ],
  [
    'a variant that is the default of its architecture',
    [{ pull: arm }, { pull: { ...arm, variant: 'v8' } }],
    ['podman quay.io/acme/app:1 linux/arm64 x2'],
  ],
  ['a name that is not known', [{ image: undefined } as never], []],
  ['a reference that is not bound', [{ bound: false }], []],
];

for (const [what, references, expected] of grouping) {
  test(`grouping: ${what}`, () => assert.deepEqual(groups(references), expected));
}

test('a name is that of an artifact or of an image, and not of both on one engine', () => {
  const artifact = { artifact: true } as const;
  const alone = bindings([artifact, artifact]);
  assert.deepEqual(
    alone.bindings.map((one) => [one.name, one.artifact, one.references.length]),
    [[app, true, 2]],
  );
  const both = bindings([artifact, {}, { engine: 'store' }]);
  assert.deepEqual(
    both.bindings.map((one) => [one.engine, one.artifact]),
    [
      ['podman', undefined],
      ['store', undefined],
    ],
  );
  assert.deepEqual(
    both.problems.map(({ code, bound }) => [code, bound]),
    [['artifact', true]],
  );
  assert.equal(bindings([artifact, { engine: 'store' }]).problems.length, 0, 'on two engines');
});

test('all references are grouped if asked for, bound or not', () => {
  assert.deepEqual(groups([{ bound: false }, {}], { select: 'all' }), [
    'podman quay.io/acme/app:1 linux/amd64 x2',
  ]);
});

test('of two platforms of a name the root’s own is kept, and each unit of the other has a problem', () => {
  const references = [{ pull: arm }, { pull: arm, bound: false, line: 7 }, {}];
  const { bindings: kept, problems } = bindings(references, { select: 'all' });
  assert.deepEqual(
    kept.map(({ platform }) => formatPlatform(platform)),
    ['linux/amd64'],
  );
  assert.deepEqual(
    problems.map(({ code, line, bound }) => `${code} ${line} ${bound}`),
    ['two-platforms 2 true', 'two-platforms 7 false'],
  );
  assert.match(problems[0]?.message ?? '', /for linux\/arm64, another unit for linux\/amd64/);
});

test('of two platforms that are not the root’s the first is kept', () => {
  const { bindings: kept, problems } = bindings([{ pull: arm }, { pull: { arch: 's390x' } }]);
  assert.deepEqual(
    kept.map(({ platform }) => formatPlatform(platform)),
    ['linux/arm64'],
  );
  assert.match(problems[0]?.message ?? '', /for linux\/s390x, another unit for linux\/arm64/);
});

test('two engines may have a name for two platforms', () => {
  const { bindings: kept, problems } = bindings([{ pull: arm }, { engine: 'store' }]);
  assert.deepEqual(
    kept.map(({ engine, platform }) => `${engine} ${formatPlatform(platform)}`),
    ['podman linux/arm64', 'store linux/amd64'],
  );
  assert.deepEqual(problems, []);
});

const eager: readonly [readonly PullPolicy[], PullPolicy][] = [
  [['missing'], 'missing'],
  [['never'], 'never'],
  [['never', 'missing'], 'missing'],
  [['missing', 'newer', 'never'], 'newer'],
  [['newer', 'always'], 'always'],
  [['always', 'never'], 'always'],
];

for (const [policies, expected] of eager) {
  test(`the most eager of the policies ${policies.join(', ')} is ${expected}`, () => {
    const [binding] = bindings(policies.map((policy) => ({ pull: { policy } }))).bindings;
    assert.equal(binding?.policy, expected);
  });
}

const creds = new Secret('acme:s3:cret');
const authFile = '/usr/lib/auth.json';
const files = { [authFile]: '{"auths":{}}', '/etc/auth.json': '{"auths":{}}' };

/** Each access in short: the kind of its credentials, and whether TLS is not checked. */
function accesses(...pulls: readonly Partial<PullOptions>[]): readonly string[] {
  const [binding] = bindings(
    pulls.map((pull) => ({ pull })),
    { files },
  ).bindings;
  return (binding?.accesses ?? []).map(({ credentials, tlsVerify }) =>
    [credentials?.kind ?? 'host', ...(tlsVerify === false ? ['careless'] : [])].join(' '),
  );
}

const orders: readonly [string, readonly Partial<PullOptions>[], readonly string[]][] = [
  ['nothing special', [{}, {}], ['host']],
  ['credentials before those of the host, which add nothing then', [{}, { creds }], ['basic']],
  ['TLS that is not checked comes last', [{ tlsVerify: false }, {}], ['host', 'host careless']],
  [
    'an auth file, and credentials',
    [{ tlsVerify: false }, { authFile }, { creds }],
    ['auth-file', 'basic', 'host careless'],
  ],
  [
    'credentials without checked TLS come last too',
    [{ creds, tlsVerify: false }, { creds }],
    ['basic', 'basic careless'],
  ],
];

for (const [what, pulls, expected] of orders) {
  test(`accesses: ${what}`, () => assert.deepEqual(accesses(...pulls), expected));
}

const entry = { auth: Buffer.from('os:secret').toString('base64') };
const ofOs = (key: string) => JSON.stringify({ auths: { [key]: entry } });
const brought: readonly [string, Written, Readonly<Record<string, string>>, readonly string[]][] = [
  ['in /usr', {}, { '/usr/lib/ostree/auth.json': ofOs('quay.io') }, ['host', 'auth-file']],
  ['in /etc', {}, { '/etc/ostree/auth.json': ofOs('quay.io/acme') }, ['host', 'auth-file']],
  // The host's registries.conf may lead there.
  ['for elsewhere', {}, { '/etc/ostree/auth.json': ofOs('quay.io/other') }, ['host', 'auth-file']],
  ['that are none', {}, { '/usr/lib/ostree/auth.json': '{' }, ['host']],
  [
    'beside a unit’s own',
    { pull: { creds } },
    { '/etc/ostree/auth.json': ofOs('quay.io') },
    ['basic'],
  ],
  [
    'and a user’s unit',
    { scope: 'user' },
    { '/usr/lib/ostree/auth.json': ofOs('quay.io') },
    ['host'],
  ],
];

for (const [what, written, has, expected] of brought) {
  test(`credentials that the OS brings ${what}`, () => {
    const [binding] = bindings([written], { files: has }).bindings;
    const kinds = (binding?.accesses ?? []).map(({ credentials }) => credentials?.kind ?? 'host');
    assert.deepEqual(kinds, expected);
  });
}

test('only the first colon of Creds= divides user and password', () => {
  const [binding] = bindings([{ pull: { creds } }]).bindings;
  const credentials = binding?.accesses[0]?.credentials;
  assert.ok(credentials?.kind === 'basic');
  assert.deepEqual([credentials.username, credentials.password.reveal()], ['acme', 's3:cret']);
});

const badAuth: readonly [string, Written, string][] = [
  ['Creds= without a colon', { pull: { creds: new Secret('acme') } }, 'invalid-option'],
  ['a file that is not there', { pull: { authFile: '/usr/none.json' } }, 'auth-file'],
  ['a file that is no auth.json', { pull: { authFile: '/usr/lib/os-release' } }, 'auth-file'],
  [
    'a user’s unit that cites a private file',
    { scope: 'user', pull: { authFile: '/etc/auth.json' } },
    'auth-file',
  ],
];

for (const [what, written, code] of badAuth) {
  test(`a problem, and the host’s own credentials, for ${what}`, () => {
    const all = { ...files, '/usr/lib/os-release': 'ID=acme\n' };
    const found = bindings([written], { files: all });
    assert.deepEqual(
      found.problems.map((problem) => [problem.code, problem.bound]),
      [[code, true]],
    );
    assert.deepEqual(found.bindings[0]?.accesses, [{}]);
    assert.doesNotMatch(JSON.stringify(found.problems), /s3:cret/);
  });
}

test('a binding has the lock’s entry of its name, and no mere note about the lock', () => {
  const locked = { digest: `sha256:${'a'.repeat(64)}`, platforms: new Map<string, string>() };
  const lock = new Map([[app, locked]]);
  const problem = {
    code: 'lock-file',
    path: '/usr/lib/berth/lock.json',
    message: '',
    hint: '',
  } as const;
  const said = (survey: Partial<Survey>) =>
    bindings([{}, { image: db }], survey).bindings.map((of) => [of.locked, of.lockProblem]);
  assert.deepEqual(said({ lock: { lock } }), [
    [locked, undefined],
    [undefined, undefined],
  ]);
  assert.deepEqual(said({ lock: { problem } }), [
    [undefined, problem],
    [undefined, problem],
  ]);
  assert.deepEqual(said({ lock: { problem: { ...problem, note: true } } }), [
    [undefined, undefined],
    [undefined, undefined],
  ]);
});

test('additional stores are kept for each reference, in its own order', () => {
  const [binding] = bindings([{ pull: { additionalStores: ['/b', '/a'] } }, {}]).bindings;
  assert.deepEqual(binding?.stores, [['/b', '/a'], []]);
});
