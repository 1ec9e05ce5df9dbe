import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

test('credentials that only the new OS brings are used, after those of the host', async (t) => {
  const machine = await startMachine(t);
  const { registry, directory, environment } = machine;
  const file = (login: string) => {
    const auth = Buffer.from(login).toString('base64');
    return JSON.stringify({ auths: { [registry.host]: { auth } } });
  };
  registry.push('app:1', buildImage({ layers: [{ bytes: 2000, seed: 1 }] }));
  const right = `Basic ${Buffer.from('os:right').toString('base64')}`;
  registry.fault = ({ authorization }) =>
    authorization === right
      ? undefined
      : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
  const name = `${registry.host}/app:1`;
  const without = writeRoot(join(directory, 'without'), container('app', name));
  const stage = async (id: string, root: string) =>
    machine.berth('stage', '--engine', 'store', '--bind', 'all', '--id', id, root);
  assert.equal((await stage('a', without)).code, 1);
  const own = { 'usr/lib/ostree/auth.json': file('os:right') };
  const root = writeRoot(join(directory, 'os'), { ...container('app', name), ...own });
  const { code, stderr } = await stage('b', root);
  assert.equal(code, 0, stderr);
  mkdirSync(join(environment['HOME'] ?? '', '.docker'));
  writeFileSync(join(environment['HOME'] ?? '', '.docker/config.json'), file('host:wrong'));
  registry.push('app:1', buildImage({ layers: [{ bytes: 2000, seed: 2 }] }));
  registry.requests.length = 0;
  assert.equal((await stage('c', root)).code, 0);
  const sent = new Set(registry.requests.map(({ authorization }) => authorization));
  const wrong = `Basic ${Buffer.from('host:wrong').toString('base64')}`;
  assert.deepEqual([...sent], [undefined, wrong, right]);
});

test('credentials of the new OS are found for the registry to which registries.conf leads', async (t) => {
  const machine = await startMachine(t);
  const { registry, directory, environment } = machine;
  const auth = Buffer.from('os:right').toString('base64');
  registry.push('app:1', buildImage({ layers: [{ bytes: 2000, seed: 1 }] }));
  registry.fault = ({ authorization }) =>
    authorization === `Basic ${auth}`
      ? undefined
      : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
  const conf = join(directory, 'led.conf');
  writeFileSync(
    conf,
    `[[registry]]\nprefix = "registry.example.com"\nlocation = "${registry.host}"\ninsecure = true\n`,
  );
  environment['CONTAINERS_REGISTRIES_CONF'] = conf;
  const rootWith = (auths: object) =>
    writeRoot(join(directory, Object.keys(auths)[0] ?? ''), {
      ...container('app', 'registry.example.com/app:1'),
      'usr/lib/ostree/auth.json': JSON.stringify({ auths }),
    });
  const stage = async (root: string) =>
    machine.berth('stage', '--engine', 'store', '--bind', 'all', '--id', 'os', root);
  const bare = writeRoot(join(directory, 'bare'), container('app', 'registry.example.com/app:1'));
  assert.equal((await stage(bare)).code, 1);
  // A file for other registries is no reason to ask once more.
  const asked = registry.requests.length;
  registry.requests.length = 0;
  assert.equal((await stage(rootWith({ 'other.example.com': { auth } }))).code, 1);
  assert.equal(registry.requests.length, asked);
  const { code, stderr } = await stage(rootWith({ [registry.host]: { auth } }));
  assert.equal(code, 0, stderr);
});
