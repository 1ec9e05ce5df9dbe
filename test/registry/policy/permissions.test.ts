import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { hostPlatform } from '../../../src/image/platform.ts';
import type { Policy } from '../../../src/registry/policy/policy.ts';
import { buildImage } from '../../support/image-builder.ts';
import { policyFilesBy, registriesD } from '../../support/policy-files.ts';
import { client, fails, serve, sink } from '../../support/registry-client.ts';
import { attachmentsOf, type FakeAttachment, payload, signed } from '../../support/signing.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519').privateKey;
const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
const otherPem = createPublicKey(other).export({ type: 'spki', format: 'pem' });
const signedIdentity = { type: 'matchRepository' } as const;
const byKey = { type: 'sigstoreSigned', keyData: pem, signedIdentity } as const;

/** A registry with an image, what is attached to it, and a client whose policy has this requirement. */
async function site(
  t: TestContext,
  attachments: readonly FakeAttachment[] | undefined,
  requirements: Policy['default'] = [byKey],
  usesAttachments = true,
) {
  const server = await serve(t);
  server.push('app:1', app);
  if (attachments !== undefined) {
    server.push(`app:${app.top.digest.replace(':', '-')}.sig`, attachmentsOf(attachments));
  }
  const registry = client(t, [server], {
    policyFiles: {
      ...policyFilesBy('reject'),
      policy: () => ({ path: '/p.json', default: requirements, docker: {}, archives: [] }),
      registriesD: async () => registriesD(usesAttachments),
    },
  });
  const name = `${server.host}/app:1`;
  const image = await registry.resolve(name, hostPlatform(), {});
  // A registry is asked once what it demands, and whether it stores signatures itself.
  const requests = () => server.requests.filter(({ path }) => path !== '/v2/').length;
  return { server, registry, name, image, requests };
}

const app = buildImage({ layers: [{ bytes: 100, seed: 1 }] });

function by(key: KeyObject, more: object = {}): FakeAttachment {
  // Any host will do, because only the repository must match.
  return signed(key, JSON.stringify({ ...payload('HOST/app', app.top.digest), ...more }));
}

/** The signature, for whatever port the registry has. */
const exactRepository = { type: 'exactRepository', dockerRepository: 'example.com/app' } as const;
const anyHost = { ...byKey, signedIdentity: exactRepository };
const right = signed(privateKey, JSON.stringify(payload('example.com/app', app.top.digest)));

test('signatures are fetched once an image, and only then its parts come', async (t) => {
  const { registry, name, image, requests } = await site(t, [right], [anyHost]);
  const [config] = image.blobs;
  const access = {};
  assert.ok(config);
  const before = requests();
  await fails(registry.download(name, config, access, sink()), 'policy-rejected');
  await fails(registry.manifest(name, image.manifest, access), 'policy-rejected');
  assert.equal(requests(), before, 'nothing was asked for');
  await registry.permit(image, access);
  assert.equal(requests() - before, 2, 'the manifest of the signatures, and one signature');
  await registry.permit(image, access);
  for (const blob of image.blobs) await registry.download(name, blob, access, sink());
  await registry.manifest(name, image.manifest, access);
  // The manifest arrived when the name was resolved.
  assert.equal(requests() - before, 2 + image.blobs.length);
  await fails(registry.download(name, config, {}, sink()), 'policy-rejected');
  const foreign = { ...config, digest: `sha256:${'0'.repeat(64)}` };
  await fails(registry.download(name, foreign, access, sink()), 'policy-rejected');
});

test('an image that is permitted under one name is not under another', async (t) => {
  const { server, registry, image } = await site(t, [right], [anyHost]);
  await registry.permit(image, {});
  server.push('other:1', app);
  const name = `${server.host}/other:1`;
  const error = await fails(registry.permit({ ...image, name }, {}), 'policy-rejected');
  assert.match(error.message, /no signature of sha256:/);
  await fails(registry.manifest(name, image.manifest, {}), 'policy-rejected');
});

test('where nothing is asked of an image, no signature is', async (t) => {
  const { registry, image, requests } = await site(
    t,
    [right],
    [{ type: 'insecureAcceptAnything' }],
  );
  const before = requests();
  await registry.permit(image, {});
  assert.equal(requests(), before);
});

const never: readonly (readonly [string, Policy['default'], RegExp])[] = [
  ['reject', [{ type: 'reject' }], /is rejected \(\/p\.json, default\)/],
  ['one that rejects among others', [anyHost, { type: 'reject' }], /is rejected/],
  [
    'signedBy',
    [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k', signedIdentity }],
    /signedBy is required, and gpg, by which berth judges it, is not there/,
  ],
  [
    'signedBaseLayer',
    [{ type: 'signedBaseLayer', baseLayerIdentity: signedIdentity }],
    /signedBaseLayer is required/,
  ],
  [
    'Fulcio',
    [
      {
        type: 'sigstoreSigned',
        fulcio: { caPath: '/c', oidcIssuer: 'i', subjectEmail: 'e' },
        rekorPublicKeyPath: '/r',
        signedIdentity,
      },
    ],
    /with fulcio is required/,
  ],
  [
    'a PKI',
    [{ type: 'sigstoreSigned', pki: { caRootsPath: '/c', subjectEmail: 'e' }, signedIdentity }],
    /with pki is required/,
  ],
];

for (const [what, requirements, reason] of never) {
  test(`${what}: refused, and nothing is asked for`, async (t) => {
    const { registry, image, requests } = await site(t, [right], requirements);
    const before = requests();
    const error = await fails(registry.permit(image, {}), 'policy-rejected');
    assert.match(error.message, reason);
    assert.equal(error.kind, 'refused');
    assert.equal(requests(), before);
  });
}

test('without a network what needs a signature is refused, the rest is not', async (t) => {
  const { registry, image, requests } = await site(t, [right], [anyHost]);
  const before = requests();
  const error = await fails(registry.permit(image, {}, { offline: true }), 'policy-rejected');
  assert.match(error.message, /without a network/);
  assert.equal(requests(), before);
  const open = await site(t, [right], [{ type: 'insecureAcceptAnything' }]);
  await open.registry.permit(open.image, {}, { offline: true });
});

const many = Array.from({ length: 101 }, (_, i) => by(other, { i }));
const refusals: readonly (readonly [string, readonly FakeAttachment[] | undefined, RegExp])[] = [
  ['no signature', undefined, /no signature of sha256:\w+ was found/],
  ['no layer', [], /no signature of sha256:\w+ was found/],
  ['another key', [by(other)], /a signature by another key/],
  [
    'another manifest',
    [signed(privateKey, JSON.stringify(payload('x', 'sha256:1')))],
    /for sha256:1/,
  ],
  [
    'a name that would steer a terminal',
    [signed(privateKey, JSON.stringify(payload('\u001b[2J', app.top.digest)))],
    /for the name \\u\{1b\}\[2J \(exactRepository\)/,
  ],
];

for (const [what, attachments, reason] of refusals) {
  test(`${what}: refused with the reason`, async (t) => {
    const { registry, image } = await site(t, attachments, [anyHost]);
    const error = await fails(registry.permit(image, {}), 'policy-rejected');
    assert.match(error.message, reason);
  });
}

test('a mirror with a wrong signature, or none, does not hide the right one', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  const tag = `app:${app.top.digest.replace(':', '-')}.sig`;
  for (const server of [mirror, upstream]) server.push('app:1', app);
  const mirrors = [{ location: mirror.host, insecure: true, use: 'all' as const }];
  const rule = { prefix: 'a.example', location: upstream.host, insecure: true, blocked: false };
  const judged = async () => {
    const registry = client(t, [], {
      conf: { rules: [{ ...rule, mirrors }] },
      policyFiles: {
        ...policyFilesBy('reject'),
        policy: () => ({ path: '/p.json', default: [anyHost], docker: {}, archives: [] }),
        registriesD: async () => registriesD(true),
      },
    });
    const image = await registry.resolve('a.example/app:1', hostPlatform(), {});
    mirror.requests.length = 0;
    upstream.requests.length = 0;
    return registry.permit(image, {});
  };
  upstream.push(tag, attachmentsOf([right]));
  await judged();
  mirror.push(tag, attachmentsOf([by(other)]));
  await judged();
  // Without a right signature the image is refused; an endpoint that can't be asked may have it.
  upstream.push(tag, attachmentsOf([by(other)]));
  await fails(judged(), 'policy-rejected');
  upstream.fault = ({ path }) => (path.endsWith('.sig') ? { status: 500 } : undefined);
  await fails(judged(), 'registry-failed');
  mirror.push(tag, attachmentsOf([right]));
  await judged();
  assert.deepEqual(upstream.requests, []);
});

test('requirements that berth can’t judge are left to an engine that judges, others are not', async (t) => {
  const signedBy = { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k', signedIdentity } as const;
  const permit = async (...requirements: Policy['default']) => {
    const { registry, image, name } = await site(t, [right], requirements);
    try {
      await registry.permit(image, {}, { engineJudges: true });
    } finally {
      await fails(registry.manifest(name, image.manifest, {}), 'policy-rejected');
    }
  };
  await permit(signedBy);
  await permit(signedBy, anyHost);
  await fails(permit(signedBy, { ...anyHost, keyData: Buffer.from(otherPem) }), 'policy-rejected');
  await fails(permit(signedBy, { type: 'reject' }), 'policy-rejected');
});

test('registries.d must say that signatures lie there', async (t) => {
  const { registry, image, requests } = await site(t, [right], [anyHost], false);
  const before = requests();
  const error = await fails(registry.permit(image, {}), 'policy-rejected');
  assert.match(error.hint, /use-sigstore-attachments: true/);
  assert.equal(requests(), before);
});

test('too many or too large signatures are refused before they are fetched', async (t) => {
  const large = { ...right, content: Buffer.alloc(256 * 1024 + 1) };
  for (const [attachments, reason] of [
    [[...many, right], /102 signatures, more than 100/],
    [[right, large], /262145 bytes, more than 262144/],
  ] as const) {
    const { registry, image, requests } = await site(t, attachments, [anyHost]);
    const before = requests();
    const error = await fails(registry.permit(image, {}), 'bad-reply');
    assert.match(error.message, reason);
    assert.equal(requests() - before, 1);
  }
});

test('a registry at fault is told from a signature that is not there', async (t) => {
  const { server, registry, image, name } = await site(t, [right], [anyHost]);
  server.fault = ({ path }) => (path.endsWith('.sig') ? { status: 500 } : undefined);
  const error = await fails(registry.permit(image, {}), 'registry-failed');
  assert.equal(error.kind, 'unreachable');
  await fails(registry.manifest(name, image.manifest, {}), 'policy-rejected');
  server.fault = undefined;
  await registry.permit(image, {});
});

test('a signature that is not what its digest says is none', async (t) => {
  const { server, registry, image } = await site(t, [right], [anyHost]);
  const { content } = right;
  server.push(`app:${app.top.digest.replace(':', '-')}.sig`, {
    ...attachmentsOf([right]),
    blobs: new Map(
      [...attachmentsOf([right]).blobs].map(([digest, bytes]) => [
        digest,
        bytes.equals(content) ? Buffer.from(content.toString().replace('app', 'apq')) : bytes,
      ]),
    ),
  });
  await fails(registry.permit(image, {}), 'digest-mismatch');
});

test('keys that can’t be read are said, and nothing is taken by the others', async (t) => {
  const cases: readonly (readonly [Policy['default'][number], RegExp])[] = [
    [{ ...anyHost, keyData: undefined, keyPath: '/nope' }, /the key \/nope is not there/],
    [{ ...anyHost, keyData: undefined, keyDatas: [pem, Buffer.from('x')] }, /is not PEM/],
    [{ ...anyHost, rekorPublicKeyData: pem }, /not for ECDSA/],
    [{ ...anyHost, keyData: weak() }, /a kind that is not supported \(rsa,768\)/],
  ];
  for (const [requirement, reason] of cases) {
    const { registry, image } = await site(t, [right], [requirement]);
    const error = await fails(registry.permit(image, {}), 'policy-rejected');
    assert.match(error.message, reason);
  }
});

function weak(): Buffer {
  const key = generateKeyPairSync('rsa', { modulusLength: 768 }).publicKey;
  return Buffer.from(key.export({ type: 'spki', format: 'pem' }));
}
