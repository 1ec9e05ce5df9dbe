import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { signatureFile } from '../../../src/registry/policy/signature.ts';
import { skipPodman } from '../../support/podman.ts';
import { ANNOTATION, agree, payload, signatureOf, startSigning } from '../../support/signing.ts';

/**
 * Files of registries.d, and whether the signature is seen. HOST is the registry, DIR the directory of the
 * signature, WEB a web server with the same directory, which wants the password `me:word` below `/private`.
 */
const files: readonly (readonly [isSeen: boolean, text: string])[] = [
  [true, 'default-docker:\n  lookaside: file://DIR\n'],
  [true, 'default-docker:\n  sigstore: file://DIR\n'],
  [true, 'default-docker:\n  sigstore: file:///none\n  lookaside: file://DIR\n'],
  [true, 'default-docker:\n  sigstore: file://DIR\n  lookaside: ""\n'],
  [true, 'default-docker:\n  lookaside-staging: file:///none\n  lookaside: file://DIR\n'],
  [false, 'default-docker:\n  lookaside-staging: file://DIR\n'],
  [true, 'docker:\n  HOST:\n    lookaside: file://DIR\n'],
  [true, 'docker:\n  HOST/acme/app:1:\n    lookaside: file://DIR\n'],
  [
    true,
    'docker:\n  HOST/acme:\n    lookaside: file://DIR\n  HOST:\n    lookaside: file:///none\n',
  ],
  [
    false,
    'docker:\n  HOST/acme:\n    lookaside: file:///none\ndefault-docker:\n  lookaside: file://DIR\n',
  ],
  [true, 'docker:\n  HOST/acme: {}\ndefault-docker:\n  lookaside: file://DIR\n'],
  [
    true,
    'docker:\n  HOST/other:\n    lookaside: file:///none\ndefault-docker:\n  lookaside: file://DIR\n',
  ],
  [true, 'default-docker:\n  lookaside: file:DIR\n'],
  [true, 'default-docker:\n  lookaside: file://localhostDIR\n'],
  [true, 'default-docker:\n  lookaside: file://DIR?a=b#c\n'],
  [true, 'default-docker:\n  lookaside: file://DIR/%2e\n'],
  [false, 'default-docker:\n  lookaside: file://DIR/x\n'],
  [false, 'default-docker:\n  lookaside: DIR\n'],
  [false, 'default-docker:\n  lookaside: ftp://DIR\n'],
  [false, 'default-docker:\n  lookaside: [file://DIR]\n'],
  [true, 'default-docker:\n  lookaside: http://WEB\n'],
  [true, 'default-docker:\n  lookaside: http://WEB/moved\n'],
  [true, 'default-docker:\n  lookaside: http://WEB?a=b\n'],
  [true, 'default-docker:\n  lookaside: http://me:word@WEB/private\n'],
  [false, 'default-docker:\n  lookaside: http://WEB/private\n'],
  [false, 'default-docker:\n  lookaside: http://WEB/none\n'],
  [false, 'default-docker:\n  lookaside: http://WEB/failing\n'],
];

/** Serves a directory, under several paths. */
async function serve(t: TestContext, directory: string): Promise<string> {
  const server = createServer(({ url = '', headers }, response) => {
    const [, prefix = '', path = ''] =
      /^(\/moved|\/private|\/none|\/failing)?(\/[^?]*)/.exec(url) ?? [];
    const login = `Basic ${Buffer.from('me:word').toString('base64')}`;
    const end = (status: number, more = {}) => response.writeHead(status, more).end();
    if (prefix === '/moved') return end(302, { location: path });
    if (prefix === '/none') return end(404);
    if (prefix === '/failing') return end(500);
    if (prefix === '/private' && headers.authorization !== login) return end(401);
    try {
      return response.end(readFileSync(join(directory, path)));
    } catch {
      return end(404);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('lookasides of registries.d: berth sees the signatures that skopeo sees', {
  skip: skipPodman,
}, async (t) => {
  const signing = await startSigning(t);
  const { host, directory } = signing;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyData = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })).toString('base64');
  signing.writePolicy({ default: [{ type: 'sigstoreSigned', keyData }] });
  const { digest } = (await signing.push('acme/app')).top;
  const name = `${host}/acme/app:1`;
  const content = Buffer.from(JSON.stringify(payload(name, digest)));
  const annotations = { [ANNOTATION]: signatureOf(privateKey, content) };
  const lookaside = join(directory, 'signatures');
  const place = join(lookaside, `acme/app@${digest.replace(':', '=')}`);
  mkdirSync(place, { recursive: true });
  const file = signatureFile({ kind: 'sigstore', content, annotations });
  writeFileSync(join(place, 'signature-1'), file);
  const web = await serve(t, lookaside);
  const wrong: string[] = [];
  for (const [isSeen, text] of files) {
    const filled = text.replaceAll('HOST', host).replaceAll('DIR', lookaside);
    signing.writeRegistriesD(filled.replaceAll('WEB', web));
    if ((await agree(signing, name, text)) !== isSeen) wrong.push(text);
  }
  assert.deepEqual(wrong, []);
});
