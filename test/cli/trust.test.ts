import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  const writePolicy = (content: object) =>
    writeFileSync(join(config, 'policy.json'), JSON.stringify(content));
  writePolicy(policy);
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
  const root = writeRoot(join(directory, 'os'), units);
  return { machine, registry, directory, root, sign, policy, writePolicy };
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

const ACCEPT = { default: [{ type: 'insecureAcceptAnything' }] };

test('a bundle takes the signatures along, whatever the policy where it is made', async (t) => {
  const { machine, root, sign, directory, registry, policy, writePolicy } = await site(t);
  const path = join(directory, 'images.bundle');
  const bundle = () => machine.berth('bundle', root, '--bind', 'all', '--output', path);
  assert.equal((await bundle()).code, 4);
  writePolicy(ACCEPT);
  assert.equal((await bundle()).code, 0);
  writePolicy(policy);
  const unsigned = await machine.berth('load', path);
  assert.equal(unsigned.code, 4, unsigned.stderr);
  assert.match(unsigned.stderr, /its signature can’t be looked up without a network/);
  sign();
  writePolicy(ACCEPT);
  assert.equal((await bundle()).code, 0);
  registry.requests.length = 0;
  writePolicy({ default: [{ type: 'sigstoreSigned', keyPath: otherKey(directory) }] });
  const foreign = await machine.berth('load', path);
  assert.equal(foreign.code, 4, foreign.stderr);
  assert.match(foreign.stderr, /no signature at hand is accepted.*by another key/);
  writePolicy(policy);
  const loaded = await machine.berth('load', path);
  assert.equal(loaded.code, 0, loaded.stderr);
  const staged = await machine.berth('stage', root, '--engine', 'store', '--bind', 'all');
  assert.equal(staged.code, 0, staged.stderr);
  assert.equal((await machine.berth('verify', root, '--engine', 'store')).code, 0);
  assert.deepEqual(registry.requests, [], 'no registry was asked');
  assert.equal((await bundle()).code, 0);
  const [first] = [readFileSync(path)];
  assert.equal((await bundle()).code, 0);
  assert.ok(first.equals(readFileSync(path)), 'the same bytes');
});

test('a root that ships images ships their signatures', async (t) => {
  const { machine, root, sign, registry, policy, writePolicy } = await site(t);
  sign();
  writePolicy(ACCEPT);
  const shipped = await machine.berth('ship', root, '--bind', 'all');
  assert.equal(shipped.code, 0, shipped.stderr);
  writePolicy(policy);
  registry.requests.length = 0;
  const staged = await machine.berth('stage', root, '--engine', 'store', '--bind', 'all');
  assert.equal(staged.code, 0, staged.stderr);
  assert.deepEqual(registry.requests, [], 'no registry was asked');
  // A bundle of that root has the signatures from the root.
  const path = join(machine.directory, 'images.bundle');
  assert.equal((await machine.berth('bundle', root, '--bind', 'all', '--output', path)).code, 0);
  assert.equal((await machine.berth('load', path)).code, 0);
  const signatures = join(root, 'usr/lib/berth/store/signatures');
  const [file = ''] = readdirSync(signatures);
  writeFileSync(join(signatures, file), '{"signatures":[1]}');
  const fresh = ['--state-dir', join(machine.directory, 'fresh'), '--engine', 'store'];
  const damaged = await machine.berth('plan', root, ...fresh, '--bind', 'all');
  assert.match(
    damaged.stdout + damaged.stderr,
    /signatures\/\w+\.json of the root: expected a file of signatures/,
  );
});

test('signatures that can’t be looked up for a bundle are a warning', async (t) => {
  const { machine, root, directory, registry, writePolicy } = await site(t);
  writePolicy(ACCEPT);
  registry.fault = ({ path }) => (path.endsWith('.sig') ? { status: 403 } : undefined);
  const path = join(directory, 'images.bundle');
  const made = await machine.berth('bundle', root, '--bind', 'all', '--output', path);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stderr, /goes without signatures, which could not be looked up/);
});

function otherKey(directory: string): string {
  const path = join(directory, 'other.pub');
  const { publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(path, publicKey.export({ type: 'spki', format: 'pem' }));
  return path;
}
