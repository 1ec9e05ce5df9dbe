import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { signatureFile } from '../../../../src/registry/policy/signature.ts';
import { startGpg, statement } from '../../../support/gpg.ts';
import { skipPodman } from '../../../support/podman.ts';
import { holds } from '../../../support/property.ts';
import { ANNOTATION, agree, payload, signatureOf, startSigning } from '../../../support/signing.ts';
import { newestSkopeo } from '../../../support/skopeo.ts';

const options = { skip: skipPodman };

/** An image whose signatures lie in a lookaside on this machine, and a policy for it. */
async function site(t: TestContext) {
  const signing = await startSigning(t);
  const { host, directory } = signing;
  const gpg = startGpg(t);
  const lookaside = join(directory, 'sigs');
  signing.writeRegistriesD(`default-docker:\n  lookaside: file://${lookaside}\n`);
  const { digest } = (await signing.push('acme/app')).top;
  const name = `${host}/acme/app:1`;
  const place = join(lookaside, `acme/app@${digest.replace(':', '=')}`);
  return {
    signing,
    gpg,
    digest,
    name,
    /** Puts signatures in place of those that are there. */
    put: (files: readonly (Buffer | undefined)[]) => {
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place, { recursive: true });
      for (const [at, file] of files.entries()) {
        if (file !== undefined) writeFileSync(join(place, `signature-${at + 1}`), file);
      }
    },
    /** Asks for signatures by these requirements. */
    ask: (...requirements: readonly object[]) => {
      const docker = { [host]: requirements };
      signing.writePolicy({ default: [{ type: 'reject' }], transports: { docker } });
    },
    agree: (what: string) => agree(signing, name, what),
  };
}

const publicPem = (key: KeyObject) =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();

const by = (key: Buffer, more: object = {}) => ({
  type: 'signedBy',
  keyType: 'GPGKeys',
  keyData: key.toString('base64'),
  ...more,
});

test('files in a lookaside: berth takes what skopeo takes', options, async (t) => {
  const { gpg, digest, name, put, ask, agree, signing } = await site(t);
  gpg.key('a');
  gpg.key('b');
  gpg.key('rsa', { algorithm: 'rsa2048' });
  gpg.key('old', { at: '20200101T000000', expires: '1d' });
  gpg.key('gone');
  const text = JSON.stringify(statement(name, digest));
  const sign = (key: string, ...words: string[]) => gpg.sign(key, text, { words });
  const a = sign('a');
  const old = gpg.sign('old', text, { at: '20200101T010000' });
  const gone = sign('gone');
  const both = ['--local-user', gpg.fingerprints('b')[0] ?? ''];
  const simple = (message: Buffer) => Buffer.concat([Buffer.from('\0simple-signing\n'), message]);
  const flipped = Buffer.from(sign('a', '-z', '0'));
  const at = flipped.indexOf('acme');
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  const { privateKey } = generateKeyPairSync('ed25519');
  const content = Buffer.from(JSON.stringify(payload(name, digest)));
  const sigstore = signatureFile({
    kind: 'sigstore',
    content,
    annotations: { [ANNOTATION]: signatureOf(privateKey, content) },
  });
  const cases: readonly (readonly [
    what: string,
    isTaken: boolean,
    files: (Buffer | undefined)[],
  ])[] = [
    ['none', false, []],
    ['one', true, [a]],
    ['one by another key', false, [sign('b')]],
    ['one by another key, then one', true, [sign('b'), a]],
    ['one, then one by another key', true, [a, sign('b')]],
    ['none in the first place', false, [undefined, a]],
    ['one that is not compressed', true, [sign('a', '-z', '0')]],
    ['one of a text', true, [sign('a', '--textmode')]],
    ['one by RSA', true, [sign('rsa')]],
    ['one by SHA-1', true, [sign('rsa', '--digest-algo', 'SHA1')]],
    ['one by SHA-512', true, [sign('rsa', '--digest-algo', 'SHA512')]],
    ['one that is armored', false, [sign('a', '--armor')]],
    ['one, then an armored one', false, [a, sign('a', '--armor')]],
    ['one that is armored, in a named format', true, [simple(sign('a', '--armor'))]],
    ['one in a named format', true, [simple(a)]],
    ['one in an unknown format', false, [Buffer.concat([Buffer.from('\0unknown\n'), a])]],
    ['one in a format without an end', false, [Buffer.concat([Buffer.from('\0unknown'), a])]],
    [
      'one of a clear text',
      false,
      [gpg.gpg(['--local-user', 'a@example.com', '--clear-sign'], text)],
    ],
    ['a detached one', false, [gpg.gpg(['--local-user', 'a@example.com', '--detach-sign'], text)]],
    ['two in one', false, [sign('a', ...both)]],
    [
      'one that has expired',
      false,
      [
        gpg.sign('a', text, {
          words: ['--default-sig-expire', '1d', '--ignore-time-conflict'],
          at: '20200101T000000',
        }),
      ],
    ],
    ['one from the future', true, [gpg.sign('a', text, { at: '20400101T000000' })]],
    ['one by a key that has expired', false, [old]],
    ['one by a key that was revoked', false, [gone]],
    ['nothing in a file', false, [Buffer.alloc(0)]],
    ['a text', false, [Buffer.from('hello')]],
    ['noise', false, [Buffer.concat([Buffer.from([0xa3]), Buffer.alloc(100, 7)])]],
    ['noise, then one', true, [Buffer.concat([Buffer.from([0xa3]), Buffer.alloc(100, 7)]), a]],
    ['half of one', false, [a.subarray(0, a.length / 2)]],
    ['one with another byte', false, [flipped]],
    ['one and noise in a file', true, [Buffer.concat([a, Buffer.alloc(20, 0xff)])]],
    ['two messages in a file', true, [Buffer.concat([a, a])]],
    ['one and that of another in a file', true, [Buffer.concat([a, sign('b')])]],
    ['one of sigstore', false, [sigstore]],
    ['one of sigstore, then one', true, [sigstore, a]],
    ['one of sigstore that is none, then one', false, [Buffer.from('\0sigstore-json\n['), a]],
    ['a key', false, [simple(gpg.public('a'))]],
  ];
  const keys = [gpg.public('a'), gpg.public('rsa'), gpg.public('old'), gpg.revoked('gone')];
  ask(by(Buffer.concat(keys)));
  const wrong: string[] = [];
  for (const [what, isTaken, files] of cases) {
    put(files);
    if ((await agree(what)) !== isTaken) wrong.push(what);
  }
  assert.deepEqual(wrong, []);
  await t.test('one of sigstore, where one is asked for', async () => {
    const keyPath = signing.write('ed.pub', publicPem(privateKey));
    ask({ type: 'sigstoreSigned', keyPath });
    put([sigstore]);
    assert.equal(await agree('sigstore in the lookaside'), true);
    put([a]);
    assert.equal(await agree('another kind of signature'), false);
    ask({ type: 'sigstoreSigned', keyPath }, by(gpg.public('a')));
    assert.equal(await agree('one of two that are required'), false);
    put([sigstore, a]);
    assert.equal(await agree('both that are required'), true);
  });
});

/** Changes of a right statement, and whether the changed statement is taken. */
const statements: readonly (readonly [isTaken: boolean, change: (text: string) => string])[] = [
  [true, (text) => text],
  [true, (text) => ` ${text}\n`],
  [false, (text) => `\uFEFF${text}`],
  [false, (text) => `${text}x`],
  [false, (text) => `${text}{}`],
  [false, (text) => text.slice(0, -1)],
  [false, () => ''],
  [false, () => '[]'],
  [false, () => 'null'],
  [false, (text) => text.replace('{', '{"more":1,')],
  [false, (text) => text.replace('"critical"', '"Critical"')],
  [false, (text) => text.replace('"type"', '"more":1,"type"')],
  [false, (text) => text.replace('"type"', '"type":"atomic container signature","type"')],
  [false, (text) => text.replace('atomic', 'cosign')],
  [false, (text) => text.replace('"atomic container signature"', 'null')],
  [false, (text) => text.replace('sha256:', 'sha512:')],
  [false, (text) => text.replace('sha256:', 'sha256:0')],
  [false, (text) => text.replace('"docker-manifest-digest"', '"more":1,"docker-manifest-digest"')],
  [false, (text) => text.replace('"docker-reference"', '"more":1,"docker-reference"')],
  [false, (text) => text.replace(/,"optional":.*/, '}')],
  [false, (text) => text.replace(/"optional":.*/, '"optional":null}')],
  [false, (text) => text.replace(/"optional":.*/, '"optional":[]}')],
  [true, (text) => text.replace(/"optional":.*/, '"optional":{}}')],
  [true, (text) => text.replace('"creator"', '"more":[1],"creator"')],
  [false, (text) => text.replace('"creator"', '"creator":"a","creator"')],
  [true, (text) => text.replace('"test"', 'null')],
  [false, (text) => text.replace('"test"', '1')],
  [true, (text) => text.replace('1600000000', 'null')],
  [true, (text) => text.replace('1600000000', '16e8')],
  [true, (text) => text.replace('1600000000', '-1.0')],
  [false, (text) => text.replace('1600000000', '1.5')],
  [false, (text) => text.replace('1600000000', '1e19')],
  [false, (text) => text.replace('1600000000', '"1600000000"')],
];

test('what a signature says: berth takes what skopeo takes', options, async (t) => {
  const { gpg, digest, name, put, ask, agree } = await site(t);
  gpg.key('a');
  ask(by(gpg.public('a')));
  const right = JSON.stringify(statement(name, digest));
  for (const [isTaken, change] of statements) {
    const text = change(right);
    put([gpg.sign('a', text)]);
    assert.equal(await agree(change.toString()), isTaken, text);
  }
});

test('keys in a policy: berth takes what skopeo takes', options, async (t) => {
  const { gpg, digest, name, put, ask, agree, signing } = await site(t);
  for (const key of ['a', 'b', 'c']) gpg.key(key);
  put([gpg.sign('a', JSON.stringify(statement(name, digest)))]);
  const write = (file: string, key: Buffer) => signing.write(file, key);
  const [a, b] = ['a', 'b'].map((key) => write(key, gpg.public(key)));
  const armored = gpg.public('a', '--armor');
  const cases: readonly (readonly [isTaken: boolean, key: object])[] = [
    [true, { keyPath: a }],
    [false, { keyPath: b }],
    [false, { keyPath: '/does/not/exist' }],
    [true, { keyPaths: [b, a] }],
    [false, { keyPaths: [a, '/does/not/exist'] }],
    [true, { keyPaths: [write('noise', Buffer.from('noise')), a] }],
    [false, { keyPaths: [] }],
    [true, { keyData: armored.toString('base64') }],
    [true, { keyData: Buffer.concat([gpg.public('b', '--armor'), armored]).toString('base64') }],
    [true, { keyData: Buffer.concat([gpg.public('b'), gpg.public('a')]).toString('base64') }],
    [false, { keyData: '' }],
    [false, { keyData: Buffer.from('noise').toString('base64') }],
    [false, { keyPath: a, keyType: 'signedByGPGKeys' }],
    [false, { keyPath: a, keyType: 'X509Certificates' }],
    [false, { keyPath: a, keyType: 'signedByX509CAs' }],
  ];
  for (const [isTaken, key] of cases) {
    ask({ type: 'signedBy', keyType: 'GPGKeys', ...key });
    assert.equal(await agree(JSON.stringify(key)), isTaken, JSON.stringify(key));
  }
  // skopeo 1.22 takes it too, and 1.18 does not.
  gpg.key('primary', { usage: 'cert' });
  const subkey = gpg.subkey('primary');
  put([gpg.sign(subkey, JSON.stringify(statement(name, digest)))]);
  ask(by(gpg.public('primary')));
  assert.equal(await signing.berth(name), undefined, 'a signature by a subkey');
  assert.equal(await signing.skopeo(name, '', newestSkopeo()), undefined);
  put([gpg.sign('a', JSON.stringify(statement(name, digest)))]);
  ask(by(gpg.public('a')), by(gpg.public('b')));
  assert.equal(await agree('the second of two is not met'), false);
  put(['b', 'a'].map((key) => gpg.sign(key, JSON.stringify(statement(name, digest)))));
  assert.equal(await agree('both are met'), true);
});

test('generated policies and signatures: berth takes what skopeo takes', options, async (t) => {
  const { gpg, digest, name, put, ask, agree, signing } = await site(t);
  const keys = ['a', 'b'];
  for (const key of keys) gpg.key(key);
  const other = (await signing.push('acme/other')).top.digest;
  const repository = name.replace(/:1$/, '');
  const names = [name, repository, `${repository}:2`, `${repository}@${digest}`, 'example.com/x:1'];
  const files = keys.flatMap((key) =>
    names.flatMap((called) =>
      [digest, other].map((of) => gpg.sign(key, JSON.stringify(statement(called, of)))),
    ),
  );
  const identity = fc.constantFrom(
    { type: 'matchExact' },
    { type: 'matchRepoDigestOrExact' },
    { type: 'matchRepository' },
    { type: 'exactReference', dockerReference: 'example.com/x:1' },
    { type: 'exactRepository', dockerRepository: 'example.com/x' },
    { type: 'remapIdentity', prefix: repository, signedPrefix: 'example.com/x' },
  );
  const requirement = fc
    .record({
      key: fc.constantFrom(...keys),
      signedIdentity: fc.option(identity, { nil: undefined }),
    })
    .map(({ key, signedIdentity }) => by(gpg.public(key), { signedIdentity }));
  const asked = fc.record({
    requirements: fc.array(requirement, { minLength: 1, maxLength: 2 }),
    // Half of the signatures are of the other image.
    signatures: fc.array(fc.constantFrom(...files), { maxLength: 5 }),
  });
  let taken = 0;
  let seen = 0;
  await holds(
    15,
    fc.asyncProperty(asked, async ({ requirements, signatures }) => {
      put(signatures);
      ask(...requirements);
      seen += 1;
      if (await agree('generated')) taken += 1;
    }),
  );
  assert.ok(taken > 0 && taken < seen, `${taken} of ${seen} taken`);
  t.diagnostic(`${taken} of ${seen} taken`);
});
