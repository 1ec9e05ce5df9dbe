import assert from 'node:assert/strict';
import test from 'node:test';
import type { Access } from '../../src/registry/access.ts';
import { endpointsOf } from '../../src/registry/endpoint.ts';
import { RegistryError } from '../../src/registry/errors.ts';
import type { Mirror, RegistryRule } from '../../src/registry/registries-toml.ts';

const rule = (
  prefix: string,
  location = prefix,
  more: Partial<RegistryRule> = {},
): RegistryRule => ({
  prefix,
  location,
  insecure: false,
  blocked: false,
  mirrors: [],
  ...more,
});

const lead = (name: string, ...rules: readonly RegistryRule[]) =>
  endpointsOf(name, { rules }, {})
    .map(({ host, repository, reference }) => `${host} ${repository} ${reference}`)
    .join(', ');

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
  // Engines look for rules by the repository alone.
  assert.equal(lead('a.example/b:1', rule('a.example/b:1', 'c.example/d:2')), 'a.example b 1');
});

test('a wildcard stands for any number of subdomains, and none for the domain', () => {
  const wild = rule('*.example.com', 'mirror.example');
  assert.equal(lead('a.b.example.com/c:1', wild), 'mirror.example c 1');
  assert.equal(lead('example.com/c:1', wild), 'example.com c 1');
  assert.equal(lead('a.example.com.evil/c:1', wild), 'a.example.com.evil c 1');
  assert.equal(lead('evil.org/a.example.com/c:1', wild), 'evil.org a.example.com/c 1');
  const asIs = rule('*.example.com', '', { insecure: true });
  assert.equal(lead('a.example.com/c:1', asIs), 'a.example.com c 1');
  assert.ok(endpointsOf('a.example.com/c:1', { rules: [asIs] }, {})[0]?.insecure);
  // Both are of the same length: the first in byte order counts, as in containers/image.
  const exact = rule('a.b.com', 'exact.example');
  assert.equal(lead('a.b.com/c:1', exact, rule('*.b.com', 'wild.example')), 'wild.example c 1');
});

test('the unit’s TLSVerify= wins over registries.conf', () => {
  const rules = [rule('a.example', 'a.example', { insecure: true })];
  const isInsecure = (name: string, access: Access) =>
    endpointsOf(name, { rules }, access)[0]?.insecure;
  assert.equal(isInsecure('a.example/b:1', {}), true);
  assert.equal(isInsecure('a.example/b:1', { tlsVerify: true }), false);
  assert.equal(isInsecure('b.example/b:1', { tlsVerify: false }), true);
});

test('mirrors come first, in order, where they are for such names', () => {
  const mirror = (location: string, use: Mirror['use'] = 'all'): Mirror => ({
    location,
    insecure: false,
    use,
  });
  const mirrors = [mirror('m1.example'), mirror('m2.example/x', 'digest-only')];
  const rules = [
    rule('a.example', 'a.example', { mirrors: [...mirrors, mirror('m3.example', 'tag-only')] }),
  ];
  assert.equal(lead('a.example/b:1', ...rules), 'm1.example b 1, m3.example b 1, a.example b 1');
  const digest = `sha256:${'0'.repeat(64)}`;
  assert.equal(
    lead(`a.example/b@${digest}`, ...rules),
    `m1.example b ${digest}, m2.example x/b ${digest}, a.example b ${digest}`,
  );
  const [first, last] = endpointsOf(
    'a.example/b:1',
    { rules: [rule('a.example', 'b.example', { mirrors: [mirror('a.example/c')] })] },
    {},
  );
  assert.equal(first?.isElsewhere, false);
  assert.equal(last?.isElsewhere, true);
});

test('blocked applies to an endpoint, by its own rule', () => {
  const blockedAt = (name: string, ...rules: readonly RegistryRule[]) =>
    endpointsOf(name, { rules }, {}).map(({ blockedBy }) => blockedBy);
  const blocked = rule('a.example/b', 'a.example/b', { blocked: true });
  assert.deepEqual(blockedAt('a.example/b/c:1', blocked), ['a.example/b']);
  assert.deepEqual(blockedAt('a.example/c:1', blocked), [undefined]);
  assert.deepEqual(blockedAt('a.example/b/c:1', blocked, rule('a.example/b/c')), [undefined]);
  const mirrors = [{ location: 'm.example/b', insecure: false, use: 'all' as const }];
  assert.deepEqual(blockedAt('a.example/b:1', { ...blocked, mirrors }), [undefined, 'a.example/b']);
});

test('a rule that leads nowhere', () => {
  for (const location of ['NOT A HOST', 'docker.io', 'nodots', 'b.example//x', '*.example']) {
    assert.throws(
      () => endpointsOf('a.example/b:1', { rules: [rule('a.example', location)] }, {}),
      (error) => error instanceof RegistryError && error.code === 'registry-config',
      location,
    );
  }
});
