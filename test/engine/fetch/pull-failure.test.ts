import assert from 'node:assert/strict';
import { test } from 'node:test';
import { puller } from '../../../src/engine/containerd/fetch/puller.ts';
import { EngineError } from '../../../src/engine/errors.ts';
import { pullRefused } from '../../../src/engine/fetch/pull-failure.ts';
import { RegistryError } from '../../../src/registry/errors.ts';

const name = `registry.example.com/app@sha256:${'a'.repeat(64)}`;

function refused(words: string): unknown {
  return pullRefused(puller, name, failure('engine-failed', words));
}

function failure(code: 'engine-failed' | 'no-space', words?: string): EngineError {
  return new EngineError(code, `the engine said: ${words}`, { hint: 'see its journal', words });
}

/** As podman 4.3 and 5.4, docker 20.10, 26.1 and 28.5, and containerd 1.6, 1.7 and 2.1 say it. */
const said: Readonly<Record<string, string>> = {
  'failed to do request: Head "https://r/v2/": x509: certificate signed by unknown authority':
    'registry-unreachable',
  'failed to do request: Head "https://r/v2/": http: server gave HTTP response to HTTPS client':
    'registry-unreachable',
  'failed to do request: Head "https://r/v2/": dial tcp 127.0.0.1:1: connect: connection refused':
    'registry-unreachable',
  'failed to do request: Head "http://r/v2/": EOF': 'registry-unreachable',
  'pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials':
    'unauthorized',
  'failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized':
    'unauthorized',
  'unable to retrieve auth token: invalid username/password: unauthorized: incorrect password':
    'unauthorized',
  'unexpected status from HEAD request to https://r/v2/: 403 Forbidden': 'forbidden',
  'unexpected status code https://r/v2/app/manifests/1: 403 Forbidden': 'forbidden',
  'pull access denied for r/app, repository does not exist': 'forbidden',
  'unexpected status from HEAD request to https://r/v2/: 429 Too Many Requests': 'rate-limited',
  'toomanyrequests: You have reached your pull rate limit': 'rate-limited',
  'unexpected status from HEAD request to https://r/v2/: 500 Internal Server Error':
    'registry-failed',
  'received unexpected HTTP status: 503 Service Unavailable': 'registry-failed',
  'failed to resolve reference "r/app@sha256:aa": r/app@sha256:aa: not found': 'not-found',
  'reading manifest sha256:aa in r/app: manifest unknown': 'not-found',
  'Source image rejected by policy: none of the signatures is accepted': 'policy-rejected',
};

for (const [words, code] of Object.entries(said)) {
  test(`a refused pull is ${code}: ${words}`, () => {
    const error = refused(words);
    assert.ok(error instanceof RegistryError);
    assert.equal(error.code, code);
    assert.equal(error.message, `containerd did not pull sha256:${'a'.repeat(64)}: ${words}`);
  });
}

test('a refusal for which no registry is the reason stays as it is', () => {
  for (const error of [
    failure('engine-failed', 'something else'),
    failure('engine-failed'),
    failure('no-space', 'unexpected status: 401 Unauthorized: no space left on device'),
    new Error('unexpected status: 401 Unauthorized'),
  ]) {
    assert.equal(pullRefused(puller, name, error), error);
  }
});

test('a long refusal is judged by its end, and quoted by its beginning', () => {
  const error = refused(`${'x'.repeat(10_000)}: not found`);
  assert.ok(error instanceof RegistryError);
  assert.equal(error.code, 'not-found');
  assert.ok(error.message.length < 1000);
});
