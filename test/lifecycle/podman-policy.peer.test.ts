import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, writeRoot } from '../support/berth.ts';
import { startGpg, statement } from '../support/gpg.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';
import { startPodmanLab } from '../support/podman-lab.ts';
import { attachmentsOf, payload, signed } from '../support/signing.ts';

const name = 'registry.example.com/app';
const image = buildImage({ layers: [{ bytes: 5000, seed: 1 }], entrypoint: ['/bin/entry'] });

/** A podman whose policy asks for this, and an image with two tags, signed for the first. */
async function startLab(t: TestContext, policyOf: (keyData: string) => object) {
  // Debian 12 has taken sigstore out of its podman.
  const lab = await startPodmanLab(t, { wrapped: { trixie: true } });
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { digest } = image.top;
  for (const tag of ['1', '2']) lab.registry.push(`app:${tag}`, image);
  const signature = signed(privateKey, JSON.stringify(payload(`${name}:1`, digest)));
  lab.registry.push(`app:${digest.replace(':', '-')}.sig`, attachmentsOf([signature]));
  const key = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })).toString('base64');
  const config = join(lab.directory, 'home/.config/containers');
  mkdirSync(join(config, 'registries.d'));
  const attachments = 'default-docker:\n  use-sigstore-attachments: true\n';
  writeFileSync(join(config, 'registries.d/all.yaml'), attachments);
  writeFileSync(join(config, 'policy.json'), JSON.stringify(policyOf(key)));
  const stage = async (tag: string) => {
    const root = writeRoot(join(lab.directory, `os${tag}`), container('app', `${name}:${tag}`));
    const { code, stderr } = await lab.run('stage', '--bind', 'all', '--id', `os${tag}`, root);
    return { code, stderr };
  };
  return { engine: lab.engine, stage };
}

test('podman is asked for what is signed for the tag that the unit says, and for nothing else', {
  skip: skipPodman,
}, async (t) => {
  const { engine, stage } = await startLab(t, (keyData) => ({
    default: [{ type: 'sigstoreSigned', keyData }],
  }));
  // podman’s own verdict on the two tags.
  const other = await engine.tryPodman('pull', `${name}:2`);
  assert.notEqual(other.code, 0);
  assert.match(other.stderr, /Signature for identity/);
  await engine.podman('pull', `${name}:1`);
  await engine.podman('rmi', '--all');
  // And of a digest: the signature of any tag will do.
  await engine.podman('pull', `${name}@${image.top.digest}`);
  await engine.podman('rmi', '--all');

  const refused = await stage('2');
  assert.equal(refused.code, 4, refused.stderr);
  assert.match(refused.stderr, /app:2: no signature is accepted: a signature for the name .*app:1/);
  assert.equal(await engine.podman('images', '--all', '--quiet'), '');
  const staged = await stage('1');
  assert.equal(staged.code, 0, staged.stderr);
});

test('a policy that berth can’t judge is left to podman', { skip: skipPodman }, async (t) => {
  const { engine, stage } = await startLab(t, () => ({
    default: [{ type: 'signedBy', keyType: 'X509Certificates', keyPath: '/nonexistent' }],
  }));
  const refused = await stage('1');
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, /podman failed: .*signature/);
  assert.equal(await engine.podman('images', '--all', '--quiet'), '');
});

test('an image with a signature of GPG: from its registry, and from a bundle without one', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startPodmanLab(t, { wrapped: { trixie: true } });
  const gpg = startGpg(t);
  gpg.key('a');
  const { digest } = image.top;
  for (const tag of ['1', '2']) lab.registry.push(`app:${tag}`, image);
  const config = join(lab.directory, 'home/.config/containers');
  const lookaside = join(lab.directory, 'sigs');
  const place = join(lookaside, `app@${digest.replace(':', '=')}`);
  mkdirSync(place, { recursive: true });
  const signed = gpg.sign('a', JSON.stringify(statement(`${name}:1`, digest)));
  writeFileSync(join(place, 'signature-1'), signed);
  mkdirSync(join(config, 'registries.d'));
  const files = `default-docker:\n  lookaside: file://${lookaside}\n`;
  writeFileSync(join(config, 'registries.d/all.yaml'), files);
  const keyData = gpg.public('a').toString('base64');
  const strict = [{ type: 'signedBy', keyType: 'GPGKeys', keyData }];
  const writePolicy = (policy: object) =>
    writeFileSync(join(config, 'policy.json'), JSON.stringify(policy));
  writePolicy({ default: strict });
  const rootOf = (tag: string) =>
    writeRoot(join(lab.directory, `os${tag}`), container('app', `${name}:${tag}`));
  const stage = (tag: string) => lab.run('stage', '--bind', 'all', '--id', 'os', rootOf(tag));

  const other = await stage('2');
  assert.equal(other.code, 4, other.stderr);
  assert.match(other.stderr, /app:2: no signature is accepted: a signature for the name .*app:1/);
  const pulled = await stage('1');
  assert.equal(pulled.code, 0, pulled.stderr);
  await lab.run('release', 'os');
  await lab.engine.podman('rmi', '--all', '--force');

  const path = join(lab.directory, 'site.tar');
  const made = await lab.run('bundle', '--bind', 'all', '--output', path, rootOf('1'));
  assert.equal(made.code, 0, made.stderr);
  await lab.registry.close();
  writeFileSync(join(place, 'signature-1'), 'not here');
  const loaded = await lab.run('load', path);
  assert.equal(loaded.code, 0, loaded.stderr);
  const refused = await stage('1');
  assert.equal(refused.code, 4, refused.stderr);
  assert.match(refused.stderr, /signedBy is required of archives/);
  assert.match(refused.stderr, /let policy\.json accept oci-archive/);
  const accept = [{ type: 'insecureAcceptAnything' }];
  writePolicy({ default: strict, transports: { 'oci-archive': { '': accept } } });
  const staged = await stage('1');
  assert.equal(staged.code, 0, staged.stderr);
  await lab.engine.podman('image', 'exists', `${name}@${digest}`);
});
