import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openContainerd } from '../../src/engine/containerd/containerd.ts';
import { openDocker } from '../../src/engine/docker/docker.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Credentials } from '../../src/registry/auth/auth-file.ts';
import { type ContainerdSuite, skipContainerd, startContainerd } from '../support/containerd.ts';
import { type ImageStore, skipDocker, startDocker } from '../support/docker.ts';
import type { TestRegistry } from '../support/registry.ts';
import type { RegistryAuth } from '../support/registry-auth.ts';
import { client, password, serve } from '../support/registry-client.ts';
import { fetchFrom } from './contract/calls.ts';
import { pushSmall } from './contract/images.ts';

/** An engine that is given the credentials for a registry. */
type Open = (t: TestContext, registry: TestRegistry, given: Credentials) => Promise<Engine>;

const engines: Readonly<Record<string, Open>> = {
  'docker 20.10': dockerOf('bookworm', 'overlay2'),
  'docker 26.1 with containerd’s store': dockerOf('trixie', 'containerd'),
  'docker 28.5': dockerOf('forky', 'overlay2'),
  'docker 28.5 with containerd’s store': dockerOf('forky', 'containerd'),
  'containerd 1.6 by its CRI': containerdOf('bookworm', 'k8s.io'),
  'containerd 1.6 by berth': containerdOf('bookworm', 'plain'),
  'containerd 1.7 by its CRI': containerdOf('trixie', 'k8s.io'),
  'containerd 1.7 by its transfer service': containerdOf('trixie', 'plain'),
  'containerd 2.1 by its CRI': containerdOf('forky', 'k8s.io'),
  'containerd 2.1 by its transfer service': containerdOf('forky', 'plain'),
};

const robot = { username: 'robot', password: 'hunter2-secret' };
const auths: readonly RegistryAuth[] = [{ basic: robot }, { bearer: robot }];

for (const [name, open] of Object.entries(engines)) {
  test(`${name}: credentials reach no host to which a registry redirects its blobs`, {
    skip: skipDocker || skipContainerd,
  }, async (t) => {
    const elsewhere = await serve(t);
    for (const [seed, auth] of auths.entries()) {
      const registry = await serve(t, { auth });
      const image = pushSmall({ machine: { registry } }, 'private/app:1', 1 + seed);
      pushSmall({ machine: { registry: elsewhere } }, 'private/app:1', 1 + seed);
      // Another name of the same machine, since no client tells hosts apart by their ports alone.
      const target = elsewhere.host.replace('127.0.0.1', 'localhost');
      registry.fault = ({ path, authorization }) =>
        path.includes('/blobs/') && authorization !== undefined
          ? { status: 307, headers: { location: `http://${target}${path}` } }
          : undefined;
      const engine = await open(t, registry, password(robot.username, robot.password));
      const id = await fetchFrom(engine, image);
      assert.equal(await engine.has(id), true);
    }
    assert.ok(elsewhere.requests.length >= 4, 'every blob of both images came from there');
    for (const { path, authorization } of elsewhere.requests) {
      assert.equal(authorization, undefined, path);
      assert.doesNotMatch(path, /hunter2|token/);
    }
  });
}

function dockerOf(suite: ContainerdSuite, store: ImageStore): Open {
  return async (t, _, given) => {
    const { socket, pinKey } = await startDocker(t, { suite, store });
    const options = { id: 'docker', socket, pinKey, credentials: async () => given } as const;
    return closedAfter(t, await openDocker(options));
  };
}

function containerdOf(suite: ContainerdSuite, namespace: string): Open {
  return async (t, registry, given) => {
    const { socket, directory } = await startContainerd(t, suite, {
      cri: namespace === 'k8s.io',
      insecure: [registry.host],
    });
    const pinKey = join(directory, 'pins.key');
    const berth = client(t, [registry], { credentials: async () => given });
    return closedAfter(t, await openContainerd({ socket, namespace, pinKey, registry: berth }));
  };
}

function closedAfter(t: TestContext, engine: Engine): Engine {
  t.after(() => engine.close());
  return engine;
}
