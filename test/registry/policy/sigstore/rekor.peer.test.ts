import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import test from 'node:test';
import { skipPodman } from '../../../support/podman.ts';
import { ANNOTATION, agree, payload, signatureOf, startSigning } from '../../../support/signing.ts';

const BUNDLE = 'dev.sigstore.cosign/bundle';

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const publicPem = (key: KeyObject) =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** A log's statement about a signature, of which each part can be changed. */
interface Entry {
  kind: unknown;
  apiVersion: unknown;
  key: string;
  signature: string;
  hash: { algorithm: string; value: string };
}

interface Change {
  readonly entry?: (entry: Entry) => void;
  /** The bytes that the log signs. */
  readonly payload?: (payload: Record<string, unknown>) => void;
  readonly bundle?: (bundle: Record<string, unknown>) => void;
  readonly text?: (text: string) => string;
}

/** RFC 8785, for an object of texts and whole numbers. */
function canonical(object: Record<string, unknown>): Buffer {
  const sorted = Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(Object.fromEntries(sorted)));
}

function bundleOf(log: KeyObject, key: KeyObject, content: Buffer, signature: string, by: Change) {
  const value = createHash('sha256').update(content).digest('hex');
  const entry: Entry = {
    kind: 'hashedrekord',
    apiVersion: '0.0.1',
    key: publicPem(key),
    signature,
    hash: { algorithm: 'sha256', value },
  };
  by.entry?.(entry);
  const spec = {
    data: { hash: entry.hash },
    signature: { content: entry.signature, publicKey: { content: base64(entry.key) } },
  };
  const { kind, apiVersion } = entry;
  const said: Record<string, unknown> = {
    body: base64(JSON.stringify({ kind, apiVersion, spec })),
    integratedTime: 1_700_000_000,
    logIndex: 7,
    logID: 'a'.repeat(64),
  };
  by.payload?.(said);
  const bundle = { SignedEntryTimestamp: signatureOf(log, canonical(said)), Payload: said };
  by.bundle?.(bundle);
  const text = JSON.stringify(bundle);
  return by.text?.(text) ?? text;
}

const changes: readonly (readonly [what: string, isTaken: boolean, Change])[] = [
  ['as it should be', true, {}],
  ['another kind of entry', false, { entry: (entry) => (entry.kind = 'rekord') }],
  ['another version', false, { entry: (entry) => (entry.apiVersion = '0.0.2') }],
  ['no version', false, { entry: (entry) => (entry.apiVersion = undefined) }],
  ['another key', false, { entry: (entry) => (entry.key = publicPem(p256())) }],
  ['more than the key', false, { entry: (entry) => (entry.key += 'more') }],
  ['words before the key', true, { entry: (entry) => (entry.key = `words\n${entry.key}`) }],
  ['no key', false, { entry: (entry) => (entry.key = '') }],
  ['another signature', false, { entry: (entry) => (entry.signature = base64('other')) }],
  ['another hash', false, { entry: ({ hash }) => (hash.value = 'ab'.repeat(32)) }],
  ['a hash in capitals', true, { entry: ({ hash }) => (hash.value = hash.value.toUpperCase()) }],
  ['another algorithm', false, { entry: ({ hash }) => (hash.algorithm = 'sha512') }],
  ['more in what is signed', false, { payload: (payload) => (payload['more'] = 1) }],
  ['no index', false, { payload: (payload) => delete payload['logIndex'] }],
  ['a text as its time', false, { payload: (payload) => (payload['integratedTime'] = '1') }],
  ['no body', false, { payload: (payload) => (payload['body'] = '') }],
  ['a body that is no JSON', false, { payload: (payload) => (payload['body'] = base64('{')) }],
  ['a body that is no base64', false, { payload: (payload) => (payload['body'] = '{}') }],
  ['letters beyond ASCII', true, { payload: (payload) => (payload['logID'] = 'ä\u2028"\\') }],
  [
    'the signature of another entry',
    false,
    { bundle: ({ Payload }) => Object.assign(Object(Payload), { logIndex: 8 }) },
  ],
  ['more in the bundle', false, { bundle: (bundle) => (bundle['more'] = 1) }],
  ['no signature', false, { bundle: (bundle) => delete bundle['SignedEntryTimestamp'] }],
  ['no bundle', false, { text: () => '' }],
  ['spaces', true, { text: (text) => text.replaceAll('":', '" : ') }],
];

test('entries of a log: berth takes what skopeo takes', { skip: skipPodman }, async (t) => {
  const signing = await startSigning(t);
  const { host } = signing;
  const [log, another, key, second] = [p256(), p256(), p256(), p256()];
  signing.writeRegistriesD(`default-docker:\n  use-sigstore-attachments: true\n`);
  const { digest } = (await signing.push('app')).top;
  const name = `${host}/app:1`;
  const content = Buffer.from(JSON.stringify(payload(name, digest)));
  const attach = async (change: Change | undefined) => {
    const signature = signatureOf(key, content);
    const bundle =
      change === undefined ? {} : { [BUNDLE]: bundleOf(log, key, content, signature, change) };
    const annotations = { [ANNOTATION]: signature, ...bundle };
    await signing.attach('app', digest, [{ content, annotations }]);
  };
  const ask = (logs: object, keys: readonly KeyObject[] = [key]) => {
    const keyDatas = keys.map((one) => base64(publicPem(one)));
    signing.writePolicy({ default: [{ type: 'sigstoreSigned', keyDatas, ...logs }] });
  };
  const data = (...keys: readonly KeyObject[]) => ({
    rekorPublicKeyDatas: keys.map((one) => base64(publicPem(one))),
  });
  ask(data(log));
  for (const [what, isTaken, change] of changes) {
    await attach(change);
    assert.equal(await agree(signing, name, what), isTaken, what);
  }
  await attach(undefined);
  assert.equal(await agree(signing, name, 'no annotation'), false);
  await attach({});
  const policies: readonly (readonly [string, boolean, () => void])[] = [
    ['another log', false, () => ask(data(another))],
    ['two logs', true, () => ask(data(another, log))],
    ['two keys', true, () => ask(data(log), [second, key])],
    ['a file', true, () => ask({ rekorPublicKeyPath: signing.write('log', publicPem(log)) })],
    ['a file that is not there', false, () => ask({ rekorPublicKeyPath: '/does/not/exist' })],
    [
      'a log with another kind of key',
      false,
      () => ask(data(generateKeyPairSync('ed25519').privateKey, log)),
    ],
  ];
  for (const [what, isTaken, write] of policies) {
    write();
    assert.equal(await agree(signing, name, what), isTaken, what);
  }
});
