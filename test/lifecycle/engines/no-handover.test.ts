import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineId } from '../../../src/common/engine-id.ts';
import { writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { APP, atBoot, never, startEngines } from '../../support/many-engines.ts';

const units = 'usr/lib/systemd/system';

/** The unit or drop-in by which each engine gets its images at the boot, as berth's packages have them. */
const handovers: Readonly<Partial<Record<EngineId, Readonly<Record<string, string>>>>> = {
  podman: {
    [`${units}/berth-activate.service`]:
      '[Service]\nExecStart=/usr/bin/berth activate --for system\n',
  },
  [APP]: {
    [`${units}/berth-activate-users.service`]:
      '[Service]\nExecStart=/usr/bin/berth activate --for users\n',
  },
  docker: {
    [`${units}/docker.service`]: '[Service]\nExecStart=/usr/sbin/dockerd\n',
    [`${units}/docker.service.d/10-berth.conf`]:
      '[Service]\nExecStartPost=-+/usr/bin/timeout 5m /usr/bin/berth activate --for docker\n',
  },
  containerd: {
    [`${units}/berth-activate-kubernetes.service`]:
      '[Service]\nExecStart=/usr/bin/berth activate --for containerd\n',
  },
};

for (const engine of ['podman', APP, 'docker', 'containerd'] as const) {
  test(`a root that waits for ${engine} until its boot should bring a berth that hands it over`, async (t) => {
    const host = await startEngines(t);
    host.server.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
    // No command of a service runs an image on containerd by that word alone.
    const isListed = engine === 'containerd';
    const root = host.tree('os', isListed ? {} : { 'web:1': [engine] });
    const list = `# engine: containerd\n${host.fullName('web:1')}\n`;
    if (isListed) writeRoot(root, { 'usr/lib/berth/images.d/os.list': list });
    const warned = async () => {
      const before = host.warnings.length;
      await host.plan('os');
      return host.warnings.slice(before);
    };
    assert.deepEqual(await warned(), [], 'the engine is there');
    host.be(engine, never);
    assert.deepEqual(await warned(), [], 'the engine takes nothing at the boot');
    host.be(engine, atBoot);
    const [warning = '', ...more] = await warned();
    assert.deepEqual(more, []);
    assert.match(warning, /^the images for \S+ wait until os boots, but no unit of os hands them/);

    const others = Object.entries(handovers).filter(([id]) => id !== engine);
    for (const [, files] of others) writeRoot(root, files ?? {});
    assert.equal((await warned()).length, 1, 'the others get theirs');
    writeRoot(root, handovers[engine] ?? {});
    assert.deepEqual(await warned(), []);
  });
}

test('a berth activate for all engines is enough, a mere mention is not', async (t) => {
  const host = await startEngines(t);
  host.server.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  host.be('docker', atBoot);
  const root = host.tree('os', { 'web:1': ['docker'] });
  for (const [command, warnings] of [
    ['/bin/echo activate berth', 1],
    ['/usr/bin/berth verify activate', 1],
    ['/opt/acme/bin/berth activate --format json', 0],
    ['-/usr/bin/berth activate', 0],
  ] as const) {
    writeRoot(root, { [`${units}/docker.service`]: `[Service]\nExecStart=${command}\n` });
    const before = host.warnings.length;
    await host.plan('os');
    assert.equal(host.warnings.length - before, warnings, command);
  }
});
