import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { skipPodman } from '../../../support/podman.ts';
import { holds } from '../../../support/property.ts';
import { agree, payload, type Signing, signed, startSigning } from '../../../support/signing.ts';
import { attachmentsAt, publicPem } from './asking.ts';

const options = { skip: skipPodman };

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
