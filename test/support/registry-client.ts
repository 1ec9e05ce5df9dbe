import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Secret } from '../../src/common/secret.ts';
import type { Credentials } from '../../src/registry/auth/auth-file.ts';
import { openRegistry, type RegistryOptions } from '../../src/registry/client.ts';
import { RegistryError, type RegistryErrorCode } from '../../src/registry/errors.ts';
import { authorityPathsOf } from '../../src/registry/http/tls.ts';
import { type Registry } from '../../src/registry/registry.ts';
import { policyFilesBy } from '../support/policy-files.ts';
import { type RegistryOptions as ServerOptions, startRegistry } from '../support/registry.ts';
import { testCertificate } from '../support/registry-certificate.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A registry of the test's own, closed when the test ends. */
export async function serve(t: TestContext, options: ServerOptions = {}) {
  const server = await startRegistry(options);
  t.after(() => server.close());
  return server;
}

/** A client that may speak to the hosts without TLS, closed when the test ends. */
export function client(
  t: TestContext,
  hosts: readonly { readonly host: string }[],
  options: Partial<RegistryOptions> = {},
): Registry {
  const registry = openRegistry({
    conf: {
      rules: hosts.map(({ host }) => ({
        prefix: host,
        location: host,
        insecure: true,
        blocked: false,
        mirrors: [],
      })),
    },
    credentials: async () => undefined,
    policyFiles: policyFilesBy('insecureAcceptAnything'),
    authorityPaths: authorityPathsOf(process.env),
    ...options,
  });
  t.after(() => registry.close());
  return registry;
}

export function password(username: string, text: string): Credentials {
  return { username, password: new Secret(text) };
}

/** Lets this process trust the certificate of the test registry, until the test ends. */
export function trustTestCertificate(t: TestContext): void {
  const { SSL_CERT_FILE: before } = process.env;
  const path = join(temporaryDirectory(t), 'ca.pem');
  writeFileSync(path, testCertificate.cert);
  process.env['SSL_CERT_FILE'] = path;
  t.after(() => {
    if (before === undefined) delete process.env['SSL_CERT_FILE'];
    else process.env['SSL_CERT_FILE'] = before;
  });
}

/** A place to download to. */
export function sink() {
  const chunks: Buffer[] = [];
  return {
    write: async (chunk: Buffer) => {
      chunks.push(chunk);
    },
    content: () => Buffer.concat(chunks),
    restart: async () => {
      chunks.length = 0;
    },
  };
}

/** Sees the work fail with this code, and returns the error. */
export async function fails(
  work: Promise<unknown>,
  code: RegistryErrorCode,
): Promise<RegistryError> {
  const error = await work.then(
    () => assert.fail(`expected ${code}, found success`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof RegistryError, String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(error.hint.length > 10, 'it says what to do');
  return error;
}
