import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { createServer, type TlsOptions } from 'node:tls';
import type { RegistryError } from '../../../src/registry/errors.ts';
import { oddCertificates } from '../../support/odd-certificates.ts';
import { testCertificate } from '../../support/registry-certificate.ts';
import { client, fails } from '../../support/registry-client.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };

/** What a registry with these TLS options, whose certificate is trusted as a CA, is found to be. */
async function found(
  t: TestContext,
  tls: TlsOptions & { readonly cert: string },
): Promise<RegistryError> {
  const server = createServer(tls, (socket) => socket.destroy());
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const bundle = join(temporaryDirectory(t), 'ca.pem');
  writeFileSync(bundle, tls.cert);
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const registry = client(t, [], { authorityPaths: { bundle } });
  return fails(registry.resolve(`${host}/app:1`, amd64, {}), 'registry-unreachable');
}

const NOW = /the clock here says 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

test('a certificate that has expired, or is not valid yet: the two dates and the clock are named', async (t) => {
  const expired = await found(t, oddCertificates.expired);
  assert.match(
    expired.message,
    /a certificate that has expired \(valid from 2020-01-01T00:00:00Z until 2021-01-01T00:00:00Z; /,
  );
  assert.match(expired.message, NOW);
  const early = await found(t, oddCertificates.early);
  assert.match(
    early.message,
    /a certificate that is not valid yet \(valid from 2100-01-01T00:00:00Z until 2120-01-01T00:00:00Z; /,
  );
  assert.match(early.message, NOW);
  for (const { hint } of [expired, early]) {
    assert.match(hint, /have the certificate of 127\.0\.0\.1:\d+ renewed; .*timedatectl/);
    assert.doesNotMatch(hint, /insecure|add the CA/);
  }
});

test('a certificate for another host: its names are named', async (t) => {
  const { message, hint } = await found(t, oddCertificates.other);
  assert.match(message, /found a certificate for a\.example, b\.example$/);
  assert.match(hint, /use a name that the certificate has, or have 127\.0\.0\.1 added to it/);
  assert.doesNotMatch(hint, /insecure|add the CA/);
});

test('a key that is too weak', async (t) => {
  const ciphers = 'DEFAULT@SECLEVEL=0';
  const { message, hint } = await found(t, { ...oddCertificates.weak, ciphers });
  assert.match(message, /found a certificate or key that is too weak/);
  assert.match(hint, /2048 bits/);
});

test('TLS that is too old', async (t) => {
  const old = {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  } as const;
  const { message, hint } = await found(t, { ...testCertificate, ...old });
  assert.match(message, /found a version of TLS that is too old/);
  assert.match(hint, /TLS 1\.2/);
});

test('a CA that is unknown is another matter', async (t) => {
  const registry = client(t, []);
  const server = createServer(testCertificate, (socket) => socket.destroy());
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const error = await fails(registry.resolve(`${host}/app:1`, amd64, {}), 'registry-unreachable');
  assert.match(error.hint, /add the CA to the certificates of the system or to certs\.d/);
});
