import assert from 'node:assert/strict';
import test from 'node:test';
import { RegistryError } from '../../../src/registry/errors.ts';
import { askedOf, type Policy, readPolicy } from '../../../src/registry/policy/policy.ts';
import { tree } from '../tree.ts';

const accept: Policy['default'] = [{ type: 'insecureAcceptAnything' }];
const reject: Policy['default'] = [{ type: 'reject' }];
const user = '/home/u/.config/containers';
const takes = (policy: Policy, name: string) =>
  askedOf(policy, name).requirements.every(({ type }) => type === 'insecureAcceptAnything');

test('the most specific scope decides alone', () => {
  const name = 'registry.example.com:5000/a/b/c:1';
  const scopes = [
    name,
    'registry.example.com:5000/a/b/c',
    'registry.example.com:5000/a/b',
    'registry.example.com:5000/a',
    'registry.example.com:5000',
    '*.example.com',
    '*.com',
    '',
  ];
  for (const [i, scope] of scopes.entries()) {
    const general = Object.fromEntries(scopes.slice(i + 1).map((other) => [other, reject]));
    const open = {
      path: '/p',
      default: reject,
      docker: { ...general, [scope]: accept },
      archives: [],
    };
    assert.ok(takes(open, name), scope);
    const rest = Object.fromEntries(scopes.slice(i + 1).map((other) => [other, accept]));
    const shut = {
      path: '/p',
      default: accept,
      docker: { ...rest, [scope]: reject },
      archives: [],
    };
    assert.ok(!takes(shut, name), scope);
  }
  const others = [
    'registry.example.com',
    'registry.example.com:5000/a/b/c:2',
    '*.registry.example.com',
    'registry.example.com:5000/a/',
    'a',
    '*',
  ];
  const docker = Object.fromEntries(others.map((scope) => [scope, reject]));
  assert.ok(takes({ path: '/p', default: accept, docker, archives: [] }, name));
});

test('docker.io is meant by its full names', () => {
  const docker = { 'docker.io/library/x': reject };
  assert.ok(
    !takes({ path: '/p', default: accept, docker, archives: [] }, 'docker.io/library/x:latest'),
  );
  assert.ok(
    takes({ path: '/p', default: accept, docker, archives: [] }, 'docker.io/library/y:latest'),
  );
});

test('the user’s file, then that of /etc, then the vendor’s', (t) => {
  const content = JSON.stringify({ default: accept });
  const files = {
    'home/u/.config/containers/policy.json': content,
    'etc/containers/policy.json': content,
    'usr/share/containers/policy.json': content,
  };
  const [first, second, third] = Object.entries(files);
  assert.ok(first && second && third);
  const read = (...entries: [string, string][]) =>
    readPolicy(tree(t, Object.fromEntries(entries)), user).path;
  assert.equal(read(first, second, third), `${user}/policy.json`);
  assert.equal(read(second, third), '/etc/containers/policy.json');
  assert.equal(read(third), '/usr/share/containers/policy.json');
});

test('no policy is an error that says where it was looked for', (t) => {
  assert.throws(
    () => readPolicy(tree(t, {}), user),
    (error) =>
      error instanceof RegistryError &&
      error.code === 'registry-config' &&
      [user, '/etc/containers', '/usr/share/containers'].every((directory) =>
        error.message.includes(`${directory}/policy.json`),
      ),
  );
});

const wrong: readonly string[] = [
  '',
  '{',
  '[]',
  '{}',
  '{"default":[]}',
  '{"default":[{}]}',
  '{"default":{"type":"reject"}}',
  '{"default":[{"type":"reject"}],"transport":{}}',
  '{"default":[{"type":"reject"}],"transports":{"docker":{"quay.io":[]}}}',
];

for (const content of wrong) {
  test(`a policy.json that is not as it must be is no policy: ${content || 'empty'}`, (t) => {
    const host = tree(t, {
      'etc/containers/policy.json': content,
      'usr/share/containers/policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
    });
    assert.throws(
      () => readPolicy(host, user),
      (error) =>
        error instanceof RegistryError &&
        error.code === 'registry-config' &&
        error.message.startsWith('/etc/containers/policy.json: '),
    );
  });
}
