import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import test from 'node:test';
import { skipPodman } from '../../../support/podman.ts';
import { serve } from '../../../support/registry-client.ts';
import { agree, attachmentsOf, payload, signed, startSigning } from '../../../support/signing.ts';
import { askFor, attachmentsAt } from './asking.ts';

const options = { skip: skipPodman };

test('signatures of cosign: berth takes what skopeo takes', options, async (t) => {
  const signing = await startSigning(t);
  const { host } = signing;
  const ed25519 = generateKeyPairSync('ed25519').privateKey;
  const a = await signing.key('a');
  const b = await signing.key('b');
  const ed = await signing.key('ed', ed25519.export({ type: 'pkcs8', format: 'pem' }).toString());
  attachmentsAt(signing);
  askFor(signing, { keyPaths: [a.publicPath, ed.publicPath] });
  const push = async (repository: string) => (await signing.push(repository)).top.digest;
  await push('unsigned');
  await signing.sign(a, 'by-a', await push('by-a'));
  await signing.sign(b, 'by-b', await push('by-b'));
  await signing.sign(ed, 'by-ed', await push('by-ed'));
  const both = await push('both');
  await signing.sign(b, 'both', both);
  await signing.sign(a, 'both', both);
  const another = `--sign-container-identity=${host}/another`;
  await signing.sign(a, 'elsewhere', await push('elsewhere'), another);
  // containers/image judges the manifest that is copied: a signature of the index says nothing.
  const index = await signing.push('index', ['linux/amd64', 'linux/arm64']);
  await signing.sign(a, 'index', index.top.digest);
  const whole = await signing.push('whole', ['linux/amd64', 'linux/arm64']);
  await signing.sign(a, 'whole', whole.top.digest, '--recursive');
  const all = ['unsigned', 'by-a', 'by-b', 'by-ed', 'both', 'elsewhere', 'index', 'whole'];
  const taken: string[] = [];
  for (const repository of all) {
    if (await agree(signing, `${host}/${repository}:1`, repository)) taken.push(repository);
  }
  assert.deepEqual(taken, ['by-a', 'by-ed', 'both', 'whole']);
});

test(
  'a mirror with a wrong signature hides the right one from skopeo alone',
  options,
  async (t) => {
    const signing = await startSigning(t);
    const { host } = signing;
    signing.writeRegistriesD('default-docker:\n  use-sigstore-attachments: true\n');
    const key = await signing.key('right');
    const image = await signing.push('acme/app');
    const { digest } = image.top;
    await signing.sign(key, 'acme/app', digest);
    askFor(signing, { keyPath: key.publicPath });
    const mirror = await serve(t);
    mirror.push('acme/app:1', image);
    const { privateKey } = generateKeyPairSync('ed25519');
    const wrong = signed(privateKey, JSON.stringify(payload(`${host}/acme/app`, digest)));
    mirror.push(`acme/app:${digest.replace(':', '-')}.sig`, attachmentsOf([wrong]));
    const prefix = `${host}/acme`;
    const location = `${mirror.host}/acme`;
    const name = `${prefix}/app@${digest}`;
    const conf = `[[registry]]\nlocation = "${prefix}"\ninsecure = true\n[[registry.mirror]]\nlocation = "${location}"\ninsecure = true\n`;
    assert.match((await signing.skopeo(name, conf)) ?? '', /signature/);
    const mirrors = [{ location, insecure: true, use: 'all' as const }];
    assert.equal(await signing.berth(name, [{ prefix, location: prefix, mirrors }]), undefined);
    assert.ok(mirror.requests.some(({ path }) => path.endsWith('.sig')));
  },
);
