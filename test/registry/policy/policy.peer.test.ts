import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { skipPodman } from '../../support/podman.ts';
import { agree, payload, signed, startSigning } from '../../support/signing.ts';

const options = { skip: skipPodman };
const accept = '{"type":"insecureAcceptAnything"}';
const key = '"type":"sigstoreSigned","keyPath":"/x"';
const identity = (text: string) => scoped(`{${key},"signedIdentity":${text}}`);

/** A policy that accepts everything, except that a name which no image has must meet this requirement. */
function scoped(requirement: string): string {
  return `{"default":[${accept}],"transports":{"docker":{"example.com/x":[${requirement}]}}}`;
}

/** Texts, and whether each is a valid policy, which accepts the image. */
const policies: readonly (readonly [isPolicy: boolean, text: string])[] = [
  [false, ''],
  [false, '{'],
  [false, 'null'],
  [false, '[]'],
  [false, '{}'],
  [false, '{"default":null}'],
  [false, '{"default":[]}'],
  [false, '{"default":[null]}'],
  [false, '{"default":[{}]}'],
  [false, `{"default":${accept}}`],
  [true, `{"default":[${accept}]}`],
  [true, ` {"default" : [${accept}]}\n`],
  [false, `\uFEFF{"default":[${accept}]}`],
  [false, `{"default":[${accept}]}x`],
  [false, `{"default":[${accept}]}{}`],
  [false, `{"Default":[${accept}]}`],
  [false, `{"default":[${accept}],"default":[${accept}]}`],
  [false, `{"default":[${accept}],"more":1}`],
  [false, `{"default":[${accept}],"transports":null}`],
  [false, `{"default":[${accept}],"transports":[]}`],
  [false, `{"default":[${accept}],"transports":{"docker":null}}`],
  [true, `{"default":[${accept}],"transports":{"docker":{},"other":{"x":[${accept}]}}}`],
  [false, `{"default":[${accept}],"transports":{"docker":{},"docker":{}}}`],
  [false, `{"default":[${accept}],"transports":{"other":{"x":[]}}}`],
  [false, `{"default":[${accept}],"transports":{"docker":{"x":[${accept}],"x":[${accept}]}}}`],
  [true, `{"default":[${accept}],"transports":{"docker":{"*.x:5/**":[${accept}],"":[${accept}]}}}`],
  [false, scoped('{"type":"insecureAcceptAnything","type":"insecureAcceptAnything"}')],
  [false, scoped('{"type":"insecureAcceptAnything","toString":1}')],
  [false, scoped('{"type":"insecureAcceptAnything","__proto__":1}')],
  [false, scoped('{"type":"reject","keyPath":"/x"}')],
  [true, scoped('{"type":"reject"}')],
  [false, scoped('{"type":"Reject"}')],
  [false, scoped('{"type":"unheard-of"}')],
  [true, scoped(`{${key}}`)],
  [false, scoped('{"type":"sigstoreSigned"}')],
  [false, scoped('{"type":"sigstoreSigned","keyPath":""}')],
  [false, scoped('{"type":"sigstoreSigned","keyPath":null}')],
  [false, scoped('{"type":"sigstoreSigned","keyPath":1}')],
  [false, scoped(`{${key},"keyData":"YQ=="}`)],
  [true, scoped('{"type":"sigstoreSigned","keyPath":"","keyData":"YQ=="}')],
  [true, scoped('{"type":"sigstoreSigned","keyData":""}')],
  [true, scoped('{"type":"sigstoreSigned","keyData":"Y\\nQ=="}')],
  [false, scoped('{"type":"sigstoreSigned","keyData":"YQ"}')],
  [false, scoped('{"type":"sigstoreSigned","keyData":"Y Q=="}')],
  [false, scoped('{"type":"sigstoreSigned","keyData":"_-=="}')],
  [false, scoped('{"type":"sigstoreSigned","keyPaths":[]}')],
  [false, scoped('{"type":"sigstoreSigned","keyPaths":"/x"}')],
  [true, scoped('{"type":"sigstoreSigned","keyPaths":["/x",""]}')],
  [false, scoped('{"type":"sigstoreSigned","keyDatas":[]}')],
  [true, scoped('{"type":"sigstoreSigned","keyDatas":["YQ==","YQ=="]}')],
  [false, scoped('{"type":"sigstoreSigned","keyDatas":["YQ==","Y"]}')],
  [true, scoped(`{${key},"rekorPublicKeyPath":""}`)],
  [true, scoped(`{${key},"rekorPublicKeyPath":"/r"}`)],
  [true, scoped(`{${key},"rekorPublicKeyDatas":["YQ=="]}`)],
  [false, scoped(`{${key},"rekorPublicKeyPaths":[]}`)],
  [false, scoped(`{${key},"rekorPublicKeyPath":"/r","rekorPublicKeyData":"YQ=="}`)],
  [false, scoped('{"type":"sigstoreSigned","fulcio":{"caPath":"/c"},"rekorPublicKeyPath":"/r"}')],
  [
    true,
    scoped(
      '{"type":"sigstoreSigned","rekorPublicKeyPath":"/r","fulcio":{"caPath":"/c","oidcIssuer":"i","subjectEmail":"e"}}',
    ),
  ],
  [
    false,
    scoped(
      '{"type":"sigstoreSigned","fulcio":{"caPath":"/c","oidcIssuer":"i","subjectEmail":"e"}}',
    ),
  ],
  [true, scoped('{"type":"sigstoreSigned","pki":{"caRootsPath":"/c","subjectEmail":"e"}}')],
  [false, scoped('{"type":"sigstoreSigned","pki":{"caRootsPath":"/c"}}')],
  [false, scoped('{"type":"sigstoreSigned","pki":{"subjectEmail":"e"}}')],
  [
    false,
    scoped(
      '{"type":"sigstoreSigned","rekorPublicKeyPath":"/r","pki":{"caRootsPath":"/c","subjectEmail":"e"}}',
    ),
  ],
  [true, identity('{"type":"matchExact"}')],
  [false, identity('{"type":"matchExact","prefix":"x"}')],
  [false, identity('null')],
  [false, identity('{"type":"matchSomething"}')],
  [true, identity('{"type":"exactReference","dockerReference":"busybox:1"}')],
  [false, identity('{"type":"exactReference","dockerReference":"busybox"}')],
  [false, identity('{"type":"exactReference"}')],
  [true, identity('{"type":"exactRepository","dockerRepository":"quay.io/a/b"}')],
  [true, identity('{"type":"exactRepository","dockerRepository":"quay.io/a/b:1"}')],
  [false, identity('{"type":"exactRepository","dockerRepository":"Busybox"}')],
  [true, identity('{"type":"remapIdentity","prefix":"a/b","signedPrefix":"c:5"}')],
  [false, identity('{"type":"remapIdentity","prefix":"a/b/","signedPrefix":"c"}')],
  [false, identity('{"type":"remapIdentity","prefix":"a_b/c","signedPrefix":"c"}')],
  [false, identity('{"type":"remapIdentity","prefix":"a","signedPrefix":""}')],
  [true, scoped('{"type":"signedBy","keyType":"GPGKeys","keyPath":"/x"}')],
  [true, scoped('{"type":"signedBy","keyType":"GPGKeys","keyPaths":[]}')],
  [false, scoped('{"type":"signedBy","keyType":"GPGKeys","keyPath":""}')],
  [false, scoped('{"type":"signedBy","keyType":"GPGKeys","keyPath":"","keyData":"YQ=="}')],
  [false, scoped('{"type":"signedBy","keyType":"PGP","keyPath":"/x"}')],
  [false, scoped('{"type":"signedBy","keyPath":"/x"}')],
  [true, scoped('{"type":"signedBaseLayer","baseLayerIdentity":{"type":"matchExact"}}')],
  [false, scoped('{"type":"signedBaseLayer"}')],
];

test('a policy.json: what is one for skopeo is one for berth', options, async (t) => {
  const signing = await startSigning(t);
  await signing.push('app');
  for (const [isPolicy, text] of policies) {
    signing.writePolicy(text);
    assert.equal(await agree(signing, `${signing.host}/app:1`, text), isPolicy, text);
  }
});

const yes = 'use-sigstore-attachments: true';

/** Files of registries.d with HOST in them, and whether the signature is seen. */
const directories: readonly (readonly [isSeen: boolean, ...files: string[]])[] = [
  [false],
  [false, ''],
  [true, `docker:\n  HOST:\n    ${yes}\n    other: 1\nmore: 2\n`],
  [true, `docker:\n  HOST/acme/app:1:\n    ${yes}\n`],
  [false, `docker:\n  HOST/acme/app:2:\n    ${yes}\n`],
  [true, `docker:\n  "*.0.0.1":\n    ${yes}\n`],
  [true, `default-docker:\n  ${yes}\n`],
  [
    false,
    `default-docker:\n  ${yes}\ndocker:\n  HOST/acme:\n    use-sigstore-attachments: false\n`,
  ],
  [true, `default-docker:\n  ${yes}\ndocker:\n  HOST/acme:\n    lookaside: file:///nowhere\n`],
  [true, `default-docker:\n  ${yes}\ndocker:\n  HOST/acme:\n    use-sigstore-attachments: null\n`],
  [true, `default-docker:\n  ${yes}\ndocker:\n  HOST/acme:\n`],
  [true, 'default-docker:\n  use-sigstore-attachments: yes\n'],
  [true, 'default-docker:\n  use-sigstore-attachments: On\n'],
  [true, 'default-docker:\n  use-sigstore-attachments: y\n'],
  [false, 'default-docker:\n  use-sigstore-attachments: no\n'],
  [false, 'default-docker:\n  use-sigstore-attachments: "true"\n'],
  [false, 'default-docker:\n  use-sigstore-attachments: 1\n'],
  [false, 'default-docker:\n  Use-Sigstore-Attachments: true\n'],
  [false, `default-docker:\n  ${yes}\n  ${yes}\n`],
  [true, `docker:\n  <<: {HOST: {${yes}}}\n`],
  [true, `docker:\n  HOST:\n    <<: {${yes}}\n`],
  [true, `docker:\n  a: &a\n    ${yes}\n  HOST: *a\n`],
  [false, `docker: {}\n---\ndefault-docker:\n  ${yes}\n`],
  [true, `default-docker:\n  ${yes}\n---\ndocker: {}\n`],
  [false, 'text'],
  [false, '}:'],
  [false, `default-docker:\n  ${yes}\n`, 'docker: 5\n'],
  [false, `default-docker:\n  ${yes}\n`, 'docker: []\n'],
  [false, `default-docker:\n  ${yes}\n`, 'default-docker: {}\n'],
  [true, `default-docker:\n  ${yes}\n`, 'default-docker:\n'],
  [false, `docker:\n  HOST: {${yes}}\n`, `docker:\n  HOST: {${yes}}\n`],
  [true, `docker:\n  HOST: {${yes}}\n`, `docker:\n  HOST/other: {}\n`],
];

test('registries.d: berth sees the signatures that skopeo sees', options, async (t) => {
  const signing = await startSigning(t);
  const { host, config } = signing;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  signing.writePolicy({
    default: [{ type: 'sigstoreSigned', keyData: Buffer.from(pem).toString('base64') }],
  });
  const { digest } = (await signing.push('acme/app')).top;
  const name = `${host}/acme/app:1`;
  await signing.attach('acme/app', digest, [
    signed(privateKey, JSON.stringify(payload(name, digest))),
  ]);
  for (const [isSeen, ...files] of directories) {
    for (const i of [0, 1]) rmSync(join(config, 'registries.d', `${i}.yaml`), { force: true });
    for (const [i, text] of files.entries()) {
      signing.writeRegistriesD(text.replaceAll('HOST', host), `${i}.yaml`);
    }
    assert.equal(await agree(signing, name, files.join('\n')), isSeen, files.join('\n'));
  }
});

test('where registries.conf leads, there the signatures lie', options, async (t) => {
  const signing = await startSigning(t);
  const { host } = signing;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyData = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })).toString('base64');
  const { digest } = (await signing.push('acme/app')).top;
  const rule = { prefix: 'images.example.com/x', location: `${host}/acme` };
  const conf = `[[registry]]\nprefix = "${rule.prefix}"\nlocation = "${rule.location}"\ninsecure = true\n`;
  const name = 'images.example.com/x/app:1';
  const requirement = { type: 'sigstoreSigned', keyData };
  const signedIdentity = {
    type: 'remapIdentity',
    prefix: 'images.example.com/x',
    signedPrefix: 'elsewhere.example.com/y',
  };
  const cases = [
    { at: host, signedAs: name, asked: requirement, isTaken: true },
    { at: 'images.example.com', signedAs: name, asked: requirement, isTaken: false },
    { at: host, signedAs: `${host}/acme/app:1`, asked: requirement, isTaken: false },
    {
      at: host,
      signedAs: 'elsewhere.example.com/y/app:1',
      asked: { ...requirement, signedIdentity },
      isTaken: true,
    },
    { at: host, signedAs: name, asked: { ...requirement, signedIdentity }, isTaken: false },
  ];
  for (const { at, signedAs, asked, isTaken } of cases) {
    const docker = { 'images.example.com': [asked] };
    signing.writePolicy({ default: [{ type: 'reject' }], transports: { docker } });
    signing.writeRegistriesD(`docker:\n  ${at}:\n    ${yes}\n`);
    await signing.attach('acme/app', digest, [
      signed(privateKey, JSON.stringify(payload(signedAs, digest))),
    ]);
    const ours = await signing.berth(name, [rule]);
    const theirs = await signing.skopeo(name, conf);
    const found = `${at} ${signedAs}: ${ours?.message} ${theirs}`;
    assert.deepEqual([ours === undefined, theirs === undefined], [isTaken, isTaken], found);
  }
});
