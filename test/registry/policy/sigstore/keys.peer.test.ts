import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import test from 'node:test';
import { skipPodman } from '../../../support/podman.ts';
import { agree, payload, signed, startSigning } from '../../../support/signing.ts';
import { askFor, attachmentsAt, publicPem } from './asking.ts';

const options = { skip: skipPodman };

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
