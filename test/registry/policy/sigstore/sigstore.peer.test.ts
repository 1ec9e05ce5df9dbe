import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { skipPodman } from '../../../support/podman.ts';
import { holds } from '../../../support/property.ts';
import { serve } from '../../../support/registry-client.ts';
import {
  ANNOTATION,
  agree,
  attachmentsOf,
  type FakeAttachment,
  payload,
  type Signing,
  signatureOf,
  signed,
  startSigning,
} from '../../../support/signing.ts';

const options = { skip: skipPodman };

const publicPem = (key: KeyObject) =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();

/** Permits only images that are signed so. */
function askFor(signing: Signing, requirement: object): void {
  const signedIdentity = { type: 'matchRepository' };
  const docker = {
    [signing.host]: [{ type: 'sigstoreSigned', signedIdentity, ...requirement }],
  };
  signing.writePolicy({ default: [{ type: 'reject' }], transports: { docker } });
}

function attachmentsAt(signing: Signing): void {
  signing.writeRegistriesD(`docker:\n  ${signing.host}:\n    use-sigstore-attachments: true\n`);
}

test('signatures of cosign: berth takes what skopeo takes', options, async (t) => {
  const signing = await startSigning(t);
  const { host } = signing;
  const ed25519 = generateKeyPairSync('ed25519').privateKey;
  const a = await signing.key('a');
  const b = await signing.key('b');
  const ed = await signing.key('ed', ed25519.export({ type: 'pkcs8', format: 'pem' }).toString());
  attachmentsAt(signing);
  askFor(signing, { keyPaths: [a.publicPath, ed.publicPath] });
  const push = async (repository: string) => (await signing.push(repository)).top.digest;
  await push('unsigned');
  await signing.sign(a, 'by-a', await push('by-a'));
  await signing.sign(b, 'by-b', await push('by-b'));
  await signing.sign(ed, 'by-ed', await push('by-ed'));
  const both = await push('both');
  await signing.sign(b, 'both', both);
  await signing.sign(a, 'both', both);
  const another = `--sign-container-identity=${host}/another`;
  await signing.sign(a, 'elsewhere', await push('elsewhere'), another);
  // containers/image judges the manifest that is copied: a signature of the index says nothing.
  const index = await signing.push('index', ['linux/amd64', 'linux/arm64']);
  await signing.sign(a, 'index', index.top.digest);
  const whole = await signing.push('whole', ['linux/amd64', 'linux/arm64']);
  await signing.sign(a, 'whole', whole.top.digest, '--recursive');
  const all = ['unsigned', 'by-a', 'by-b', 'by-ed', 'both', 'elsewhere', 'index', 'whole'];
  const taken: string[] = [];
  for (const repository of all) {
    if (await agree(signing, `${host}/${repository}:1`, repository)) taken.push(repository);
  }
  assert.deepEqual(taken, ['by-a', 'by-ed', 'both', 'whole']);
});

/** Attachments in place of a right signature, made from it. */
const forgeries: readonly (readonly [
  what: string,
  isTaken: boolean,
  forge: (key: KeyObject, said: Record<string, unknown>) => readonly FakeAttachment[],
])[] = [
  ['nothing', false, () => []],
  ['a signature', true, (key, said) => [signed(key, JSON.stringify(said))]],
  [
    'one of another, then one',
    true,
    (key, said) => [
      signed(generateKeyPairSync('ed25519').privateKey, JSON.stringify(said)),
      signed(key, JSON.stringify(said)),
    ],
  ],
  [
    'something else as well',
    true,
    (key, said) => [
      { content: Buffer.from('{}'), mediaType: 'application/vnd.dsse.envelope.v1+json' },
      signed(key, JSON.stringify(said)),
    ],
  ],
  [
    'a signature called otherwise',
    false,
    (key, said) => [{ ...signed(key, JSON.stringify(said)), mediaType: 'application/json' }],
  ],
  ['no annotation', false, (_, said) => [{ content: Buffer.from(JSON.stringify(said)) }]],
  [
    'an empty annotation',
    false,
    (_, said) => [
      { content: Buffer.from(JSON.stringify(said)), annotations: { [ANNOTATION]: '' } },
    ],
  ],
  ...(
    [
      ['cut', false, (text) => text.slice(0, -8)],
      ['without padding', false, (text) => text.replace(/=+$/, '')],
      ['with a line break', true, (text) => `${text.slice(0, 20)}\n${text.slice(20)}`],
      ['with a space', false, (text) => `${text.slice(0, 20)} ${text.slice(20)}`],
      ['with more behind it', false, (text) => `${text}AAAA`],
    ] as readonly (readonly [string, boolean, (text: string) => string])[]
  ).map(
    ([what, isTaken, change]) =>
      [
        `a signature ${what}`,
        isTaken,
        (key: KeyObject, said: Record<string, unknown>) => {
          const content = Buffer.from(JSON.stringify(said));
          // A length that is no multiple of three needs padding.
          const spaces = padded(key, content);
          return [{ content: spaces.content, annotations: { [ANNOTATION]: change(spaces.text) } }];
        },
      ] as const,
  ),
  [
    'another payload than was signed',
    false,
    (key, said) => {
      const { annotations } = signed(key, JSON.stringify(said));
      return [
        { content: Buffer.from(`${JSON.stringify(said)} `), ...(annotations && { annotations }) },
      ];
    },
  ],
  ...(
    [
      ['spaces', true, (text) => ` ${text}\n`],
      ['more after it', false, (text) => `${text}x`],
      ['a key twice', false, (text) => text.replace('{"critical"', '{"optional":null,"critical"')],
      ['a key more', false, (text) => text.replace('{', '{"more":1,')],
      ['a key more inside', false, (text) => text.replace('"critical":{', '"critical":{"more":1,')],
      ['no optional', false, (text) => text.replace(',"optional":null', '')],
      ['creator and time', true, (text) => optional(text, '{"creator":"x","timestamp":1}')],
      ['half a second', false, (text) => optional(text, '{"timestamp":1.5}')],
      ['a number as creator', false, (text) => optional(text, '{"creator":1}')],
      ['anything else optional', true, (text) => optional(text, '{"a":[{}],"b":null}')],
      ['a text as optional', false, (text) => optional(text, '"x"')],
      ['another type', false, (text) => text.replace('cosign container', 'atomic container')],
      ['an algorithm that is not known', false, (text) => text.replace('sha256:', 'md5:')],
      ['a digest in capitals', false, (text) => text.replace(/sha256:\w+/, upperDigest)],
      [
        'no name',
        false,
        (text) => text.replace(/"docker-reference":"[^"]*"/, '"docker-reference":""'),
      ],
      ['a byte order mark', false, (text) => `\uFEFF${text}`],
      ['a key with another case', false, (text) => text.replace('"critical"', '"Critical"')],
    ] as readonly (readonly [string, boolean, (text: string) => string])[]
  ).map(
    ([what, isTaken, change]) =>
      [
        `a signed payload with ${what}`,
        isTaken,
        (key: KeyObject, said: Record<string, unknown>) => [
          signed(key, change(JSON.stringify(said))),
        ],
      ] as const,
  ),
];

function optional(text: string, value: string): string {
  return text.replace('"optional":null', `"optional":${value}`);
}

function upperDigest(digest: string): string {
  return `sha256:${digest.slice('sha256:'.length).toUpperCase()}`;
}

function padded(key: KeyObject, content: Buffer): { content: Buffer; text: string } {
  for (;;) {
    const text = signatureOf(key, content);
    if (text.endsWith('=')) return { content, text };
  }
}

test('almost valid signatures: berth accepts those that skopeo accepts', options, async (t) => {
  const signing = await startSigning(t);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  attachmentsAt(signing);
  askFor(signing, { keyPath: signing.write('key.pub', publicPem(privateKey)) });
  for (const [i, [what, isTaken, forge]] of forgeries.entries()) {
    const repository = `forged-${i}`;
    const { digest } = (await signing.push(repository)).top;
    const name = `${signing.host}/${repository}`;
    await signing.attach(repository, digest, forge(privateKey, payload(name, digest)));
    assert.equal(await agree(signing, `${name}:1`, what), isTaken, what);
  }
});

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;

/** Keys, and the form in which the policy has them. */
const keys: readonly (readonly [string, boolean, () => readonly [KeyObject, string]])[] = [
  ...(
    [
      ['Ed25519', true, () => generateKeyPairSync('ed25519').privateKey],
      ['RSA with 2048 bits', true, () => rsa(2048)],
      ['RSA with 1024 bits', true, () => rsa(1024)],
      ['P-224', true, () => ec('secp224r1')],
      ['P-384', true, () => ec('P-384')],
      ['P-521', true, () => ec('P-521')],
      ['secp256k1', false, () => ec('secp256k1')],
      ['RSA-PSS', false, () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey],
    ] as readonly (readonly [string, boolean, () => KeyObject])[]
  ).map(
    ([what, isTaken, make]) =>
      [
        what,
        isTaken,
        () => {
          const key = make();
          return [key, publicPem(key)] as const;
        },
      ] as const,
  ),
  ...(
    [
      ['with words before it', true, (pem) => `hello\nthere\n${pem}`],
      ['with another after it', true, (pem) => `${pem}${publicPem(ec('P-256'))}`],
      ['after another', false, (pem) => `${publicPem(ec('P-256'))}${pem}`],
      ['with Windows’ line ends', true, (pem) => pem.replaceAll('\n', '\r\n')],
      ['without its last line end', true, (pem) => pem.trimEnd()],
      ['without its end', false, (pem) => pem.slice(0, 100)],
      ['called a certificate', false, (pem) => pem.replaceAll('PUBLIC KEY', 'CERTIFICATE')],
      ['called by a private key’s name', false, (pem) => pem.replaceAll('PUBLIC', 'PRIVATE')],
      ['empty', false, () => ''],
    ] as readonly (readonly [string, boolean, (pem: string) => string])[]
  ).map(
    ([what, isTaken, change]) =>
      [
        `P-256 ${what}`,
        isTaken,
        () => {
          const key = ec('P-256');
          return [key, change(publicPem(key))] as const;
        },
      ] as const,
  ),
  [
    'RSA in its own form',
    true,
    () => {
      const key = rsa(2048);
      const pem = createPublicKey(key).export({ type: 'pkcs1', format: 'pem' }).toString();
      return [key, pem] as const;
    },
  ],
  [
    'the private key itself',
    false,
    () => {
      const key = ec('P-256');
      return [key, key.export({ type: 'pkcs8', format: 'pem' }).toString()] as const;
    },
  ],
];

test('all kinds of keys: berth takes what skopeo takes', options, async (t) => {
  const signing = await startSigning(t);
  attachmentsAt(signing);
  for (const [i, [what, isTaken, make]] of keys.entries()) {
    const repository = `key-${i}`;
    const { digest } = (await signing.push(repository)).top;
    const name = `${signing.host}/${repository}`;
    const [key, pem] = make();
    askFor(signing, { keyPath: signing.write('key.pub', pem) });
    await signing.attach(repository, digest, [signed(key, JSON.stringify(payload(name, digest)))]);
    assert.equal(await agree(signing, `${name}:1`, what), isTaken, what);
  }
});

/** How a policy of these tests is generated: small, so that most things meet. */
function generated(signing: Signing, paths: readonly string[], pems: readonly string[]) {
  const { host } = signing;
  const key = fc.constantFrom(...paths);
  const data = fc.constantFrom(...pems).map((pem) => Buffer.from(pem).toString('base64'));
  const name = fc.constantFrom(
    `${host}/acme/app`,
    `${host}/acme/app:1`,
    `${host}/acme/app:2`,
    `${host}/other`,
    `mirror.example.com/acme/app:1`,
  );
  const prefix = fc.constantFrom(host, `${host}/acme`, `${host}/acme/app`, 'mirror.example.com');
  const type = (text: string) => fc.constant(text);
  const identity = fc.oneof(
    fc.record({ type: type('matchExact') }),
    fc.record({ type: type('matchRepoDigestOrExact') }),
    fc.record({ type: type('matchRepository') }),
    fc.record({ type: type('exactReference'), dockerReference: name }),
    fc.record({ type: type('exactRepository'), dockerRepository: name }),
    fc.record({ type: type('remapIdentity'), prefix, signedPrefix: prefix }),
  );
  const signed = fc
    .tuple(
      fc.oneof(
        fc.record({ keyPath: key }),
        fc.record({ keyPaths: fc.array(key, { minLength: 1, maxLength: 2 }) }),
        fc.record({ keyData: data }),
        fc.record({ keyDatas: fc.array(data, { minLength: 1, maxLength: 2 }) }),
      ),
      fc.oneof(fc.constant({}), fc.record({ signedIdentity: identity })),
    )
    .map(([keys, asked]) => ({ type: 'sigstoreSigned', ...keys, ...asked }));
  const requirement = fc.oneof(
    { weight: 8, arbitrary: signed },
    { weight: 2, arbitrary: fc.constant({ type: 'insecureAcceptAnything' }) },
    { weight: 1, arbitrary: fc.constant({ type: 'reject' }) },
  );
  const requirements = fc.oneof(
    { weight: 3, arbitrary: fc.array(requirement, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(requirement, { minLength: 2, maxLength: 2 }) },
  );
  const scope = fc.constantFrom(
    `${host}/acme/app:1`,
    `${host}/acme/app`,
    `${host}/acme`,
    host,
    '*.0.0.1',
    '*.0.1',
    '',
  );
  return fc.record({
    default: requirements,
    transports: fc.record({ docker: fc.dictionary(scope, requirements, { maxKeys: 3 }) }),
  });
}

test(
  'a mirror with a wrong signature hides the right one from skopeo alone',
  options,
  async (t) => {
    const signing = await startSigning(t);
    const { host } = signing;
    signing.writeRegistriesD('default-docker:\n  use-sigstore-attachments: true\n');
    const key = await signing.key('right');
    const image = await signing.push('acme/app');
    const { digest } = image.top;
    await signing.sign(key, 'acme/app', digest);
    askFor(signing, { keyPath: key.publicPath });
    const mirror = await serve(t);
    mirror.push('acme/app:1', image);
    const { privateKey } = generateKeyPairSync('ed25519');
    const wrong = signed(privateKey, JSON.stringify(payload(`${host}/acme/app`, digest)));
    mirror.push(`acme/app:${digest.replace(':', '-')}.sig`, attachmentsOf([wrong]));
    const prefix = `${host}/acme`;
    const location = `${mirror.host}/acme`;
    const name = `${prefix}/app@${digest}`;
    const conf = `[[registry]]\nlocation = "${prefix}"\ninsecure = true\n[[registry.mirror]]\nlocation = "${location}"\ninsecure = true\n`;
    assert.match((await signing.skopeo(name, conf)) ?? '', /signature/);
    const mirrors = [{ location, insecure: true, use: 'all' as const }];
    assert.equal(await signing.berth(name, [{ prefix, location: prefix, mirrors }]), undefined);
    assert.ok(mirror.requests.some(({ path }) => path.endsWith('.sig')));
  },
);

test('any policy, any image: berth takes what skopeo takes', options, async (t) => {
  const signing = await startSigning(t);
  const { host } = signing;
  attachmentsAt(signing);
  const a = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const b = generateKeyPairSync('ed25519').privateKey;
  const paths = [a, b].map((key, i) => signing.write(`${i}.pub`, publicPem(key)));
  const images = ['acme/app', 'acme/other'];
  const digests = new Map<string, string>();
  for (const repository of images) {
    digests.set(repository, (await signing.push(repository)).top.digest);
  }
  const said = fc.record({
    key: fc.constantFrom(a, b),
    name: fc.constantFrom(
      `${host}/acme/app`,
      `${host}/acme/app:1`,
      `${host}/acme/app:2`,
      `${host}/acme/other:1`,
      'mirror.example.com/acme/app:1',
      'mirror.example.com/app:1',
      'app:1',
      'No Name',
    ),
    digest: fc.constantFrom(undefined, undefined, ...digests.values()),
  });
  const policy = generated(
    signing,
    [...paths, ...paths, '/does/not/exist'],
    [a, a, b, b].map(publicPem).concat('no key'),
  );
  const asked = fc.record({
    repository: fc.constantFrom(...images),
    byDigest: fc.boolean(),
    signatures: fc.array(said, { maxLength: 4 }),
    policy,
  });
  let taken = 0;
  let seen = 0;
  await holds(
    20,
    fc.asyncProperty(asked, async ({ repository, byDigest, signatures, policy }) => {
      const digest = digests.get(repository) ?? '';
      const attachments = signatures.map(({ key, name, digest: said }) =>
        signed(key, JSON.stringify(payload(name, said ?? digest))),
      );
      await signing.attach(repository, digest, attachments);
      signing.writePolicy(policy);
      const name = `${host}/${repository}${byDigest ? `@${digest}` : ':1'}`;
      seen += 1;
      if (await agree(signing, name, 'generated')) taken += 1;
    }),
  );
  assert.ok(taken > 0 && taken < seen, `${taken} of ${seen} taken`);
  t.diagnostic(`${taken} of ${seen} taken`);
});
