import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { RegistryError } from '../../../src/registry/errors.ts';
import { readCertificates } from '../../../src/registry/http/certificates.ts';
import { buildImage } from '../../support/image-builder.ts';
import { testCertificate } from '../../support/registry-certificate.ts';
import { client, fails, serve } from '../../support/registry-client.ts';
import { tree } from '../tree.ts';

const directories = ['/home/u/certs.d', '/etc/containers/certs.d', '/etc/docker/certs.d'];
const amd64 = { os: 'linux', architecture: 'amd64' };

test('the first directory of a registry counts, and no other', (t) => {
  const host = tree(t, {
    'etc/containers/certs.d/a.example/ca.crt': 'system',
    'etc/containers/certs.d/b.example:5000/readme': '',
    'etc/docker/certs.d/a.example/more.crt': 'docker',
    'etc/docker/certs.d/b.example:5000/ca.crt': 'docker',
  });
  const authorities = (registry: string) =>
    readCertificates(host, directories, registry).authorities.map(String);
  assert.deepEqual(authorities('a.example'), ['system']);
  assert.deepEqual(authorities('b.example:5000'), []);
  assert.deepEqual(authorities('b.example'), []);
});

test('pairs by their names, in order', (t) => {
  const host = tree(t, {
    'etc/docker/certs.d/a.example/b.cert': 'b',
    'etc/docker/certs.d/a.example/b.key': 'bk',
    'etc/docker/certs.d/a.example/a.cert': 'a',
    'etc/docker/certs.d/a.example/a.key': 'ak',
  });
  const { identities } = readCertificates(host, directories, 'a.example');
  assert.deepEqual(
    identities.map(({ cert, key }) => [cert, key].map(String).join(' ')),
    ['a ak', 'b bk'],
  );
});

for (const [half, other] of [
  ['client.cert', '.key'],
  ['client.key', '.cert'],
] as const) {
  test(`${half} alone is an error that says what is missing`, (t) => {
    const host = tree(t, { [`etc/docker/certs.d/a.example/${half}`]: 'topsecret' });
    assert.throws(
      () => readCertificates(host, directories, 'a.example'),
      (error) =>
        error instanceof RegistryError &&
        error.code === 'registry-config' &&
        error.message.includes(`certs.d/a.example/${half}`) &&
        error.message.includes(`(${other})`) &&
        !inspect(error).includes('topsecret'),
    );
  });
}

test('a registry whose CA stands in certs.d, and one whose pair is none', async (t) => {
  const server = await serve(t, { tls: testCertificate });
  server.push('app:1', buildImage({ layers: [{ files: { a: 'b' } }] }));
  const name = `${server.host}/app:1`;
  const open = (files: Readonly<Record<string, string>>) => {
    const prefix = `etc/containers/certs.d/${server.host}`;
    const named = Object.entries(files).map(([file, content]) => [`${prefix}/${file}`, content]);
    const host = tree(t, Object.fromEntries(named));
    return client(t, [], {
      certificates: (registry) => readCertificates(host, directories, registry),
    });
  };
  const unknown = await fails(open({}).resolve(name, amd64, {}), 'registry-unreachable');
  assert.match(unknown.hint, new RegExp(`certs\\.d/${server.host}`));
  await open({ 'ca.crt': `words\n${testCertificate.cert}` }).resolve(name, amd64, {});
  const wrong = { 'client.cert': testCertificate.cert, 'client.key': 'topsecret' };
  const error = await fails(open(wrong).resolve(name, amd64, {}), 'registry-config');
  assert.match(error.message, /client\.cert: expected a certificate with its key/);
  assert.doesNotMatch(inspect(error, { depth: 9 }), /topsecret/);
});
