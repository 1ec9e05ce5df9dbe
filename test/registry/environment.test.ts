import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { main, startMachine } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { testCertificate } from '../support/registry-certificate.ts';
import { serve } from '../support/registry-client.ts';

const password = 'sesame-42';
const login = Buffer.from(`me:${password}`).toString('base64');

/** A registry that requires a password, and pulls from it with additional environment variables. */
async function start(t: TestContext, tls: typeof testCertificate | undefined) {
  const machine = await startMachine(t);
  const auth = { basic: { username: 'me', password } };
  const server = await serve(t, tls === undefined ? { auth } : { auth, tls });
  server.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const at = (name: string) => join(machine.directory, name);
  writeFileSync(at('auth.json'), JSON.stringify({ auths: { [server.host]: { auth: login } } }));
  writeFileSync(at('ca.pem'), testCertificate.cert);
  writeFileSync(
    at('registries.conf'),
    `[[registry]]\nlocation = "${server.host}"\ninsecure = ${tls === undefined}\n`,
  );
  const { environment } = machine;
  const pull = (more: NodeJS.ProcessEnv) => {
    for (const name of Object.keys(environment))
      if (/^NODE_|^SSL_/.test(name)) delete environment[name];
    Object.assign(environment, { REGISTRY_AUTH_FILE: at('auth.json') }, more);
    return machine.berth('pull', '--engine', 'store', `${server.host}/web:1`);
  };
  return { pull, authority: at('ca.pem') };
}

for (const name of ['NODE_TLS_REJECT_UNAUTHORIZED', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA']) {
  test(`${name} lets no certificate pass`, async (t) => {
    const { pull, authority } = await start(t, testCertificate);
    const value = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_EXTRA_CA_CERTS: authority }[name];
    const { code, stderr } = await pull({ [name]: value ?? '1' });
    assert.equal(code, 5, stderr);
    assert.match(stderr, /^failed .* found a self-signed certificate/);
    assert.equal((await pull({ SSL_CERT_FILE: authority })).code, 0, 'it is the certificate');
  });
}

for (const tls of [undefined, testCertificate]) {
  test(`NODE_DEBUG prints no password, with${tls ? '' : 'out'} TLS`, async (t) => {
    const { pull, authority } = await start(t, tls);
    const { code, stdout, stderr } = await pull({ NODE_DEBUG: '*', SSL_CERT_FILE: authority });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^HTTPS? \d+: createConnection/m, 'it prints something');
    assert.ok(!(stdout + stderr).includes(login));
    assert.ok(!(stdout + stderr).includes(password));
  });
}

test('the program of a checkout hands nothing to Node by which that does more than run it', async (t) => {
  const { directory } = await startMachine(t);
  const at = (name: string) => join(directory, name);
  // In place of a checkout: its `node` prints the environment.
  mkdirSync(at('bin'));
  mkdirSync(at('dist'));
  mkdirSync(at('programs'));
  execFileSync('cp', [resolve(import.meta.dirname, '../../bin/berth'), at('bin/berth')]);
  writeFileSync(at('dist/berth.cjs'), '');
  writeFileSync(at('programs/node'), '#!/bin/sh\nenv\n');
  chmodSync(at('programs/node'), 0o755);
  const variables = ['NODE_OPTIONS', 'NODE_DEBUG', 'NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE'];
  const env = {
    PATH: `${at('programs')}:${process.env['PATH']}`,
    OPENSSL_CONF: '/x',
    ...Object.fromEntries(variables.map((name) => [name, '/x'])),
  };
  const seen = execFileSync(at('bin/berth'), { env, encoding: 'utf8' });
  assert.match(seen, /^PATH=/m);
  assert.doesNotMatch(seen, /^(NODE_|OPENSSL_)/m);
});

test('relative paths in CONTAINERS_REGISTRIES_CONF and REGISTRY_AUTH_FILE start at the working directory', async (t) => {
  const machine = await startMachine(t);
  const server = await serve(t, { auth: { basic: { username: 'me', password } } });
  server.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const auths = { [server.host]: { auth: login } };
  writeFileSync(join(machine.directory, 'login.json'), JSON.stringify({ auths }));
  const conf = `[[registry]]\nlocation = "${server.host}"\ninsecure = true\n`;
  writeFileSync(join(machine.directory, 'own.conf'), conf);
  const surroundings = 'CONTAINERS_REGISTRIES_CONF=own.conf REGISTRY_AUTH_FILE=login.json';
  const pull = `'${process.execPath}' '${main}' pull --engine store ${server.host}/web:1`;
  const line = `cd '${machine.directory}' && ${surroundings} ${pull}`;
  const { code, stderr } = await machine.program('sh', '-c', line);
  assert.equal(code, 0, stderr);
});
