import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { attachmentsOf, payload, signed } from '../support/signing.ts';

const NAME = 'registry.example.com/acme/app:1';

/** A machine that accepts only images signed by one key, and an image without such a signature. */
async function site(t: TestContext) {
  const machine = await startMachine(t);
  const { registry, directory } = machine;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const config = join(directory, 'home/.config/containers');
  const keyPath = join(directory, 'key.pub');
  writeFileSync(keyPath, publicKey.export({ type: 'spki', format: 'pem' }));
  const policy = { default: [{ type: 'sigstoreSigned', keyPath }] };
  writeFileSync(join(config, 'policy.json'), JSON.stringify(policy));
  mkdirSync(join(config, 'registries.d'));
  const registriesD = `docker:\n  ${registry.host}:\n    use-sigstore-attachments: true\n`;
  writeFileSync(join(config, 'registries.d/test.yaml'), registriesD);
  const units = container('app', NAME);
  const image = buildImage({ layers: [{ files: units }] });
  registry.push('acme/app:1', image);
  const sign = () => {
    const { digest } = image.top;
    const attachment = signed(privateKey, JSON.stringify(payload(NAME, digest)));
    registry.push(`acme/app:${digest.replace(':', '-')}.sig`, attachmentsOf([attachment]));
  };
  return { machine, registry, directory, root: writeRoot(join(directory, 'os'), units), sign };
}

test('stage fetches what is signed, and refuses the rest', async (t) => {
  const { machine, root, sign, registry } = await site(t);
  const stage = () => machine.berth('stage', root, '--engine', 'store', '--bind', 'all');
  const refused = await stage();
  assert.equal(refused.code, 4, refused.stderr);
  assert.match(refused.stderr, /no signature of sha256:\w+ was found/);
  assert.match(refused.stderr, /cosign sign --recursive/);
  assert.ok(!registry.requests.some(({ path }) => path.includes('/blobs/')), 'no byte of it came');
  sign();
  const staged = await stage();
  assert.equal(staged.code, 0, staged.stderr);
  assert.equal((await machine.berth('verify', root, '--engine', 'store')).code, 0);
});

test('an OS image is read only if it is signed', async (t) => {
  const { machine, sign } = await site(t);
  const images = () => machine.berth('images', `image:${NAME}`, '--format', 'refs');
  const refused = await images();
  assert.equal(refused.code, 4, refused.stderr);
  sign();
  const read = await images();
  assert.equal(read.code, 0, read.stderr);
  assert.equal(read.stdout.trim(), NAME);
});

test('a bundle is made of what is signed; without a network its signatures are not known', async (t) => {
  const { machine, root, sign, directory } = await site(t);
  const path = join(directory, 'images.bundle');
  const bundle = () => machine.berth('bundle', root, '--bind', 'all', '--output', path);
  assert.equal((await bundle()).code, 4);
  sign();
  const made = await bundle();
  assert.equal(made.code, 0, made.stderr);
  const loaded = await machine.berth('load', path);
  assert.equal(loaded.code, 4, loaded.stderr);
  assert.match(loaded.stderr, /can’t be looked up without a network/);
});
