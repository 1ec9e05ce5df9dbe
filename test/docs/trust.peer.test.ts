import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'node:test';
import { skipPodman } from '../support/podman.ts';
import { agree, startSigning } from '../support/signing.ts';

const text = readFileSync(resolve(import.meta.dirname, '../../docs/trust.md'), 'utf8');

/** What stands in the block of this kind. */
function block(kind: string): string {
  const found = new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1];
  assert.ok(found !== undefined, `a block ${kind}`);
  return found;
}

test('docs/trust.md: its example lets in what is signed so, and nothing else', {
  skip: skipPodman,
}, async (t) => {
  const signing = await startSigning(t);
  const { host } = signing;
  const key = await signing.key('acme');
  const here = (content: string) =>
    content
      .replaceAll('quay.io', host)
      .replaceAll('/etc/pki/containers/acme.pub', key.publicPath)
      .replaceAll('acme.key', key.cosignPath);
  signing.writePolicy(here(block('json policy\\.json')));
  signing.writeRegistriesD(here(block('yaml acme\\.yaml')));
  const { digest } = (await signing.push('acme/app', ['linux/amd64', 'linux/arm64'])).top;
  await signing.push('acme/unsigned');
  await signing.push('other/app');
  const [program, ...words] = here(block('sh')).trim().replace('DIGEST', digest).split(' ');
  assert.equal(program, 'cosign');
  await signing.cosign(...words, '--yes', '--allow-http-registry');
  assert.equal(await agree(signing, `${host}/acme/app:1`, 'signed'), true);
  assert.equal(await agree(signing, `${host}/acme/unsigned:1`, 'unsigned'), false);
  assert.equal(await agree(signing, `${host}/other/app:1`, 'elsewhere'), false);
});
