import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Containerd } from '../../../../src/engine/containerd/api/containerd.ts';
import { pullFailed } from '../../../../src/engine/containerd/fetch/pull-failure.ts';
import { EngineError } from '../../../../src/engine/errors.ts';
import { RegistryError } from '../../../../src/registry/errors.ts';

const containerd = { program: { name: 'containerd', socket: '/s' } };
const name = `registry.example.com/app@sha256:${'a'.repeat(64)}`;

function codeOf(words: string): string {
  const error = new EngineError('engine-failed', words, { hint: 'see its journal' });
  const told = pullFailed(containerd as Containerd, name, error);
  assert.ok(told instanceof RegistryError || told instanceof EngineError);
  return told.code;
}

/** As containerd 1.6, 1.7 and 2.1 say it. */
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
  'unexpected status from HEAD request to https://r/v2/: 403 Forbidden': 'forbidden',
  'unexpected status from HEAD request to https://r/v2/: 429 Too Many Requests': 'rate-limited',
  'unexpected status from HEAD request to https://r/v2/: 500 Internal Server Error':
    'registry-failed',
  'failed to resolve reference "r/app@sha256:aa": r/app@sha256:aa: not found': 'not-found',
  'something else': 'engine-failed',
};

for (const [words, code] of Object.entries(said)) {
  test(`a failed pull is ${code}: ${words}`, () => assert.equal(codeOf(words), code));
}
