import assert from 'node:assert/strict';
import test from 'node:test';
import { placeOf } from '../../src/registry/place.ts';
import { RegistryError } from '../../src/registry/registry.ts';

const rule = (prefix: string, location = prefix, more = {}) => ({
  prefix,
  location,
  insecure: false,
  blocked: false,
  ...more,
});

const lead = (name: string, ...rules: ReturnType<typeof rule>[]) => {
  const { host, repository, reference } = placeOf(name, { rules }, {});
  return `${host} ${repository} ${reference}`;
};

test('without a rule an image is where its name says', () => {
  assert.equal(lead('quay.io/a/b:1'), 'quay.io a/b 1');
  assert.equal(lead('docker.io/library/x:1'), 'registry-1.docker.io library/x 1');
  const digest = `sha256:${'0'.repeat(64)}`;
  assert.equal(lead(`quay.io/b@${digest}`), `quay.io b ${digest}`);
});

test('the longest prefix leads elsewhere, at whole components only', () => {
  const rules = [rule('a.example', 'x.example'), rule('a.example/b', 'y.example:5000/z')];
  assert.equal(lead('a.example/c:1', ...rules), 'x.example c 1');
  assert.equal(lead('a.example/b/c:1', ...rules), 'y.example:5000 z/c 1');
  assert.equal(lead('a.example/bc:1', ...rules), 'x.example bc 1');
  assert.equal(lead('a.example.org/b:1', ...rules), 'a.example.org b 1');
  assert.equal(lead('a.example/b:1', ...rules), 'y.example:5000 z 1');
  assert.equal(lead('a.example/b:1', ...rules.toReversed()), 'y.example:5000 z 1');
  assert.equal(lead('a.example/b:1', rule('a.example/b:1', 'c.example/d:2')), 'c.example d 2');
});

test('a wildcard stands for any number of subdomains, and none for the domain', () => {
  const wild = rule('*.example.com', 'mirror.example');
  assert.equal(lead('a.b.example.com/c:1', wild), 'mirror.example c 1');
  assert.equal(lead('example.com/c:1', wild), 'example.com c 1');
  assert.equal(lead('a.example.com.evil/c:1', wild), 'a.example.com.evil c 1');
  assert.equal(lead('evil.org/a.example.com/c:1', wild), 'evil.org a.example.com/c 1');
  const asIs = rule('*.example.com', '', { insecure: true });
  assert.equal(lead('a.example.com/c:1', asIs), 'a.example.com c 1');
  assert.ok(placeOf('a.example.com/c:1', { rules: [asIs] }, {}).insecure);
});

test('the unit’s TLSVerify= wins over registries.conf', () => {
  const rules = [rule('a.example', 'a.example', { insecure: true })];
  assert.ok(placeOf('a.example/b:1', { rules }, {}).insecure);
  assert.ok(!placeOf('a.example/b:1', { rules }, { tlsVerify: true }).insecure);
  assert.ok(placeOf('b.example/b:1', { rules }, { tlsVerify: false }).insecure);
});

test('what is blocked, and what leads nowhere', () => {
  const place = (name: string, ...rules: ReturnType<typeof rule>[]) => placeOf(name, { rules }, {});
  const is = (code: string) => (error: unknown) =>
    error instanceof RegistryError && error.code === code;
  const blocked = rule('a.example/b', 'a.example/b', { blocked: true });
  assert.throws(() => place('a.example/b/c:1', blocked), is('blocked'));
  place('a.example/c:1', blocked);
  place('a.example/b/c:1', blocked, rule('a.example/b/c'));
  assert.throws(
    () => place('a.example/b:1', rule('a.example', 'NOT A HOST')),
    is('registry-config'),
  );
});
