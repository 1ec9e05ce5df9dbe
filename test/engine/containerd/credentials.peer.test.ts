import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openContainerd } from '../../../src/engine/containerd/containerd.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import {
  type ContainerdSuite,
  containerdSuites,
  skipContainerd,
  startContainerd,
} from '../../support/containerd.ts';
import type { RegistryAuth } from '../../support/registry-auth.ts';
import { testCertificate } from '../../support/registry-certificate.ts';
import { client, password, serve, trustTestCertificate } from '../../support/registry-client.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { fetchFrom } from '../contract/calls.ts';
import { ownPlatform, pushSmall } from '../contract/images.ts';

const robot = { username: 'robot', password: 'hunter2-secret' };

/** The ways in which containerd, or berth for it, comes to an image. */
const ways = { cri: 'k8s.io', transfer: 'plain', own: 'plain' } as const;

for (const suite of containerdSuites) {
  const own = suite === 'bookworm' ? 'own' : 'transfer';
  for (const way of ['cri', own] as const) {
    for (const [kind, auth] of Object.entries({
      basic: { basic: robot },
      bearer: { bearer: robot },
    })) {
      test(
        `containerd of ${suite} gets an image with ${kind} credentials (${way})`,
        {
          skip: skipContainerd,
        },
        (t) => pull(t, suite, way, auth),
      );
    }
  }
}

async function pull(
  t: TestContext,
  suite: ContainerdSuite,
  way: keyof typeof ways,
  auth: RegistryAuth,
): Promise<void> {
  trustTestCertificate(t);
  const registry = await serve(t, { auth, tls: testCertificate });
  const authorities = join(temporaryDirectory(t), 'ca.pem');
  writeFileSync(authorities, testCertificate.cert);
  const environment = { SSL_CERT_FILE: authorities };
  const { socket, directory } = await startContainerd(t, suite, {
    cri: way === 'cri',
    environment,
    secure: [registry.host],
  });
  const open = (known: boolean) =>
    openContainerd({
      socket,
      namespace: ways[way],
      pinKey: join(directory, 'pins.key'),
      registry: client(t, [], {
        credentials: async () => (known ? password(robot.username, robot.password) : undefined),
      }),
    });
  const image = pushSmall({ machine: { registry } }, 'private/app:1', 1, [
    ownPlatform,
    'linux/s390x',
  ]);
  const stranger = await open(false);
  await assert.rejects(
    fetchFrom(stranger, image),
    (error) => error instanceof RegistryError && error.code === 'unauthorized',
  );
  await stranger.close();
  const engine = await open(true);
  const before = registry.requests.length;
  await fetchFrom(engine, image);
  assert.equal(await engine.has(engine.idOf(image)), true);
  assert.ok(
    registry.requests.slice(before).some(({ authorization }) => authorization !== undefined),
  );
  await engine.close();
}
