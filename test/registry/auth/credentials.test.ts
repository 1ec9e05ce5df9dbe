import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../../../src/common/secret.ts';
import type { Credentials } from '../../../src/registry/auth/auth-file.ts';
import { askHelper, CredentialHelpers } from '../../../src/registry/auth/credential-helper.ts';
import {
  authPaths,
  hostCredentials,
  unitCredentials,
} from '../../../src/registry/auth/credentials.ts';
import { fails } from '../../support/registry-client.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { tree } from '../tree.ts';

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const file = (auths: object, more: object = {}) => JSON.stringify({ auths, ...more });
const told = (found: Credentials | undefined) =>
  found === undefined ? undefined : `${found.username}:${found.password.reveal()}`;
const paths = authPaths({}, '/home/u', 0);

const sources = (authFiles = paths, helpers: readonly string[] = []) => ({
  authFiles,
  helpers,
  programs: new CredentialHelpers(),
});

const look = async (t: TestContext, content: string, registry: string, repository: string) =>
  told(
    await hostCredentials(
      tree(t, { 'run/containers/0/auth.json': content }),
      sources(),
      registry,
      repository,
    ),
  );

test('where the running system keeps credentials', () => {
  assert.deepEqual(paths, {
    paths: [
      '/run/containers/0/auth.json',
      '/home/u/.config/containers/auth.json',
      '/home/u/.docker/config.json',
      '/home/u/.dockercfg',
      '/run/ostree/auth.json',
      '/etc/ostree/auth.json',
      '/usr/lib/ostree/auth.json',
    ],
  });
  const environment = {
    REGISTRY_AUTH_FILE: '/srv/auth.json',
    XDG_RUNTIME_DIR: '/run/user/7',
    XDG_CONFIG_HOME: '/c',
    DOCKER_CONFIG: '/d',
  };
  const set = authPaths(environment, '/home/u', 7);
  assert.equal(set.explicit, '/srv/auth.json');
  assert.deepEqual(set.paths.slice(0, 3), [
    '/run/user/7/containers/auth.json',
    '/c/containers/auth.json',
    '/d/config.json',
  ]);
});

test('the first file that knows the registry is used', async (t) => {
  const host = tree(t, {
    'run/containers/0/auth.json': file({ 'other.example': auth('o:0') }),
    'home/u/.config/containers/auth.json': file({ 'a.example': auth('a:1') }),
    'home/u/.docker/config.json': file({ 'a.example': auth('a:2'), 'b.example': auth('b:2') }),
    'usr/lib/ostree/auth.json': file({ 'c.example': auth('c:3') }),
    'srv/auth.json': file({ 'a.example': auth('a:4') }),
  });
  const ask = async (registry: string, explicit?: string) =>
    told(
      await hostCredentials(
        host,
        sources({ ...paths, ...(explicit ? { explicit } : {}) }),
        registry,
        'x',
      ),
    );
  assert.equal(await ask('a.example'), 'a:1');
  assert.equal(await ask('b.example'), 'b:2');
  assert.equal(await ask('c.example'), 'c:3');
  assert.equal(await ask('d.example'), undefined);
  assert.equal(await ask('a.example', '/srv/auth.json'), 'a:4');
  assert.equal(await ask('b.example', '/srv/auth.json'), undefined);
  assert.equal(await ask('a.example', '/srv/none.json'), undefined);
});

test('the most specific key is used, by whole components', async (t) => {
  const content = file({
    'a.example': auth('host:1'),
    'a.example/n': auth('namespace:2'),
    'a.example/n/repo': auth('repository:3'),
    'a.example/n/re': auth('other:4'),
  });
  assert.equal(await look(t, content, 'a.example', 'n/repo'), 'repository:3');
  assert.equal(await look(t, content, 'a.example', 'n/repo/x'), 'repository:3');
  assert.equal(await look(t, content, 'a.example', 'n/r'), 'namespace:2');
  assert.equal(await look(t, content, 'a.example', 'nn/r'), 'host:1');
  assert.equal(await look(t, content, 'a.example:5000', 'n/repo'), undefined);
  assert.equal(await look(t, content, 'b.example', 'a.example/n'), undefined);
});

test('keys as docker writes them', async (t) => {
  for (const key of [
    'https://index.docker.io/v1/',
    'index.docker.io',
    'docker.io',
    'registry-1.docker.io',
  ]) {
    assert.equal(
      await look(t, file({ [key]: auth('u:p:q') }), 'docker.io', 'library/x'),
      'u:p:q',
      key,
    );
  }
  assert.equal(
    await look(t, file({ 'http://a.example/v2/': auth('u:p') }), 'a.example', 'x'),
    'u:p',
  );
  assert.equal(await look(t, file({ 'a.example/v2': auth('u:p') }), 'a.example', 'x'), undefined);
  assert.equal(await look(t, file({ 'a.example': {} }), 'a.example', 'x'), undefined);
  assert.equal(await look(t, file({ 'a.example': auth('nocolon') }), 'a.example', 'x'), undefined);
  const identity = { ...auth('00000000:'), identitytoken: 'refresh' };
  const host = tree(t, { 'run/containers/0/auth.json': file({ 'a.example': identity }) });
  const found = await hostCredentials(host, sources(), 'a.example', 'x');
  assert.equal(found?.identityToken?.reveal(), 'refresh');
});

for (const content of [
  '',
  '{"auths": {"a.example": {"auth": "c2VjcmV0"',

  '{"auths":[1]}',
  '{"auths":{"a.example":{"auth":"c2VjcmV0"+"c2VjcmV0"}}}',
  '{"auths":{"a.example":{"auth":"c2VjcmV0OnNlY3JldA"}}}',
]) {
  test(`a file that is no auth.json is an error, which does not quote it: ${content.slice(0, 9)}`, async (t) => {
    const error = await fails(look(t, content, 'a.example', 'x'), 'registry-config');
    assert.match(error.message, /^\/run\/containers\/0\/auth\.json: /);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /c2VjcmV0/);
  });
}

/** A program `docker-credential-NAME` on the PATH, until the test ends. */
function helper(t: TestContext, script: string): string {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'docker-credential-berth-test');
  writeFileSync(path, `#!/bin/sh\nread -r server\n${script}\n`);
  chmodSync(path, 0o755);
  const { PATH: before } = process.env;
  process.env['PATH'] = `${directory}${delimiter}${before}`;
  t.after(() => (process.env['PATH'] = before));
  return 'berth-test';
}

test('a helper is asked for the registry, with docker’s name for Docker Hub', async (t) => {
  const name = helper(
    t,
    `echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$1\\",\\"Secret\\":\\"$server\\"}"`,
  );
  const helpers = file({}, { credHelpers: { 'a.example': name } });
  assert.equal(await look(t, helpers, 'a.example', 'x'), 'get:a.example');
  assert.equal(await look(t, helpers, 'b.example', 'x'), undefined);
  const store = file({ 'a.example': {}, 'c.example': auth('c:1') }, { credsStore: name });
  assert.equal(await look(t, store, 'a.example', 'x'), 'get:a.example');
  assert.equal(await look(t, store, 'c.example', 'x'), 'c:1');
  assert.equal(await look(t, store, 'docker.io', 'x'), 'get:https://index.docker.io/v1/');
});

test('a helper may have none, or a refresh token', async (t) => {
  const none = helper(t, 'echo "credentials not found in native keychain"; exit 1');
  assert.equal(await look(t, file({}, { credsStore: none }), 'a.example', 'x'), undefined);
  const name = helper(t, `echo '{"Username":"<token>","Secret":"refresh"}'`);
  const content = file({}, { credsStore: name });
  const host = tree(t, { 'run/containers/0/auth.json': content });
  const found = await hostCredentials(host, sources(), 'a.example', 'x');
  assert.equal(found?.identityToken?.reveal(), 'refresh');
});

const helpers: Readonly<Record<string, readonly [string, RegExp]>> = {
  fails: ['echo topsecret; echo topsecret >&2; exit 3', /exit code 3/],
  'says something else': ['echo topsecret', /breaks the protocol/],
  'says too much': ['head -c 100000 /dev/zero | tr "\\0" x', /MAXBUFFER/],
};

for (const [what, [script, message]] of Object.entries(helpers)) {
  test(`a helper that ${what} is an error`, async (t) => {
    const content = file({}, { credsStore: helper(t, script) });
    const error = await fails(look(t, content, 'a.example', 'x'), 'registry-config');
    assert.match(error.message, message);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /topsecret/);
  });
}

test('a helper is asked once for each registry, also by many at once', async (t) => {
  const log = join(temporaryDirectory(t), 'log');
  const name = helper(t, `echo "$server" >>${log}; echo '{"Username":"u","Secret":"p"}'`);
  const host = tree(t, {});
  const asked = sources(paths, [name]);
  const ask = async (registry: string, repository: string) =>
    told(await hostCredentials(host, asked, registry, repository));
  const all = [ask('a.example', 'x'), ask('a.example', 'y'), ask('b.example', 'x')];
  assert.deepEqual(await Promise.all(all), ['u:p', 'u:p', 'u:p']);
  assert.equal(await ask('a.example', 'z'), 'u:p');
  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
  assert.deepEqual(lines.sort(), ['a.example', 'b.example']);
});

test('credential helpers of registries.conf are asked in order, failures reported last', async (t) => {
  const good = helper(t, `echo '{"Username":"helper","Secret":"p"}'`);
  const host = tree(t, {
    'run/containers/0/auth.json': file({ 'a.example': auth('file:1') }),
  });
  const ask = async (registry: string, ...helpers: readonly string[]) =>
    told(await hostCredentials(host, sources(paths, helpers), registry, 'x'));
  assert.equal(await ask('a.example', 'containers-auth.json', good), 'file:1');
  assert.equal(await ask('b.example', 'containers-auth.json', good), 'helper:p');
  assert.equal(await ask('a.example', good, 'containers-auth.json'), 'helper:p');
  assert.equal(await ask('a.example', 'berth-none', 'containers-auth.json'), 'file:1');
  await fails(ask('b.example', 'berth-none', 'containers-auth.json'), 'registry-config');
});

test('a helper that does not end is ended, also if others hold its output', async (t) => {
  const pids = join(temporaryDirectory(t), 'pids');
  const name = helper(t, `sleep 1000 & echo $! >${pids}; exec sleep 1000`);
  const { message } = await fails(askHelper(name, 'a.example', 1500), 'registry-config');
  process.kill(Number(readFileSync(pids, 'utf8')), 'SIGKILL');
  assert.match(message, /found no answer/);
});

test('a helper with a name that leads elsewhere is not run', async () => {
  const { message } = await fails(askHelper('../x', 'a.example'), 'registry-config');
  assert.match(message, /no such program/);
});

test('a helper that is not there is an error', async (t) => {
  const content = file({}, { credsStore: 'berth-none' });
  assert.match(
    (await fails(look(t, content, 'a.example', 'x'), 'registry-config')).message,
    /no such program/,
  );
});

test('credentials that a unit gives', async () => {
  const name = 'a.example/n/repo:1';
  const inFile = (content: string) =>
    ({ credentials: { kind: 'auth-file', content: new Secret(content) } }) as const;
  assert.equal(await unitCredentials(name, {}), 'host');
  assert.equal(await unitCredentials(name, { tlsVerify: true }), 'host');
  assert.equal(await unitCredentials(name, { tlsVerify: false }), 'none');
  const own = await unitCredentials(name, {
    tlsVerify: false,
    credentials: { kind: 'basic', username: 'u', password: new Secret('p') },
  });
  assert.ok(typeof own === 'object' && told(own) === 'u:p');
  const found = await unitCredentials(name, inFile(file({ 'a.example/n': auth('f:1') })));
  assert.ok(typeof found === 'object' && told(found) === 'f:1');
  assert.equal(await unitCredentials(name, inFile(file({ 'b.example': auth('f:1') }))), 'none');
  assert.equal(await unitCredentials(name, inFile(file({}, { credsStore: 'x' }))), 'none');
  await fails(unitCredentials(name, inFile('{')), 'registry-config');
});
