import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import test from 'node:test';
import { skipPodman } from '../../support/podman.ts';
import { agree, payload, signed, startSigning } from '../../support/signing.ts';

/**
 * The least number of pairs of identities and names that skopeo must accept, or the table would show
 * nothing.
 */
const LEAST_TAKEN = 20;

test('every identity, every name: berth takes what skopeo takes', {
  skip: skipPodman,
}, async (t) => {
  const signing = await startSigning(t);
  const { host } = signing;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyData = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })).toString('base64');
  signing.writeRegistriesD(`default-docker:\n  use-sigstore-attachments: true\n`);
  const { digest } = (await signing.push('acme/app')).top;
  const app = `${host}/acme/app`;
  const far = 'far.example.com';
  const names = [
    app,
    `${app}:1`,
    `${app}:2`,
    `${app}@${digest}`,
    `${app}:1@${digest}`,
    `${host}/acme/app2:1`,
    `${far}/acme/app:1`,
    `${far}/app`,
    'app:1',
    'docker.io/library/app:1',
    'index.docker.io/app:1',
    `docker://${app}:1`,
    `${host}/Acme/app:1`,
    '',
  ];
  const to = (prefix: string, signedPrefix: string) => ({
    type: 'remapIdentity',
    prefix,
    signedPrefix,
  });
  const identities = [
    undefined,
    { type: 'matchExact' },
    { type: 'matchRepoDigestOrExact' },
    { type: 'matchRepository' },
    { type: 'exactReference', dockerReference: `${app}:1` },
    { type: 'exactReference', dockerReference: `${app}@${digest}` },
    { type: 'exactReference', dockerReference: 'app:1' },
    { type: 'exactRepository', dockerRepository: app },
    { type: 'exactRepository', dockerRepository: 'app' },
    to(host, far),
    to(`${host}/acme`, far),
    to(`${host}/acm`, far),
    to(`${host}/acme`, 'docker.io/library'),
    to(`${host}/acme`, 'docker.io'),
    to(host.replace(/:.*/, ''), far),
  ];
  let taken = 0;
  for (const name of names) {
    await signing.attach('acme/app', digest, [
      signed(privateKey, JSON.stringify(payload(name, digest))),
    ]);
    for (const signedIdentity of identities) {
      signing.writePolicy({ default: [{ type: 'sigstoreSigned', keyData, signedIdentity }] });
      const each = [`${app}:1`, `${app}@${digest}`].map(async (asked) => {
        const what = `${asked} signed as ${name} (${JSON.stringify(signedIdentity)})`;
        if (await agree(signing, asked, what)) taken += 1;
      });
      await Promise.all(each);
    }
  }
  assert.ok(taken >= LEAST_TAKEN, `${taken} taken`);
  t.diagnostic(`${taken} taken`);
});
