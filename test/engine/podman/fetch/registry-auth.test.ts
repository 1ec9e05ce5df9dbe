import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '../../../../src/common/secret.ts';
import { registryAuth } from '../../../../src/engine/podman/fetch/registry-auth.ts';

function sent(
  ...[credentials, mayBePlain = false]: [Parameters<typeof registryAuth>[0], boolean?]
) {
  const text = registryAuth(credentials, 'quay.io', mayBePlain)['x-registry-auth'];
  if (text === undefined) return undefined;
  // podman's decoder accepts neither other letters nor missing padding.
  assert.match(text, /^(?:[\w-]{4})*(?:[\w-]{2}==|[\w-]{3}=)?$/);
  const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
  return value;
}

const password = new Secret('p+/ü?>~');
const anonymous = { username: 'anonymous', password: '' };

test('credentials go to the registry that they are for', () => {
  const config = { username: 'me', password: 'p+/ü?>~' };
  assert.equal(sent('host'), undefined);
  assert.deepEqual(sent('none'), anonymous);
  assert.deepEqual(sent({ username: 'me', password }), { 'quay.io': config });
});

test('without TLS verified podman must not look for others at all', () => {
  const config = { username: 'me', password: 'p+/ü?>~' };
  assert.deepEqual(sent({ username: 'me', password }, true), config);
});

test('credentials for which podman would use the host’s instead are not sent', () => {
  assert.deepEqual(sent({ username: '', password }), anonymous);
  const identityToken = new Secret('token');
  assert.deepEqual(sent({ username: '', password, identityToken }), { identitytoken: 'token' });
});
