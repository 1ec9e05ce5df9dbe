import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { container, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { skipPodman } from '../../support/podman.ts';
import { startPodmanLab } from '../../support/podman-lab.ts';

const host = 'registry.example.com';

for (const trixie of [false, true]) {
  test(`what would not fit into the locks of podman ${trixie ? '5.4' : '4.3'} is refused`, {
    skip: skipPodman,
  }, async (t) => {
    const lab = await startPodmanLab(t, {
      wrapped: { trixie, ownLocks: true },
      configuration: '[engine]\nnum_locks = 20\n',
    });
    const rootOf = (id: string, images: number) => {
      const names = Array.from({ length: images }, (_, i) => `${id}${i}`);
      for (const [i, name] of names.entries()) {
        const layers = [{ bytes: 2000, seed: i + 1 }];
        lab.registry.push(`${name}:1`, buildImage({ layers, labels: { name } }));
      }
      const files = names.map((name) => container(name, `${host}/${name}:1`));
      return writeRoot(join(lab.directory, id), Object.assign({}, ...files));
    };
    const words = (id: string, root: string) => ['--bind', 'all', '--id', id, root];
    // By the service, which alone sees its locks.
    const volume = (...words: string[]) =>
      lab.program('podman', '--url', `unix://${lab.engine.socket}`, 'volume', ...words);
    // Four pins, their pod, and what the admin has.
    const first = await lab.run('stage', ...words('one', rootOf('one', 4)));
    assert.equal(first.code, 0, first.stderr);
    // podman rounds up to 32.
    for (let i = 0; i < 25; i++) assert.equal((await volume('create', `own${i}`)).code, 0);
    const two = rootOf('two', 2);
    const refused = await lab.run('stage', ...words('two', two));
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /needs 3 of podman's locks.* and 2 are free/);
    const plan = await lab.run('plan', '--format', 'json', ...words('two', two));
    assert.equal(plan.code, 4);
    assert.equal(JSON.parse(plan.stdout).lack.code, 'no-locks');
    assert.equal((await lab.run('verify', 'one')).code, 0);

    assert.equal((await volume('rm', 'own0')).code, 0);
    const fits = await lab.run('stage', ...words('two', two));
    assert.equal(fits.code, 0, fits.stderr);
    // Nothing new is to be pinned: no lock is needed.
    assert.equal((await lab.run('stage', ...words('one', rootOf('one', 4)))).code, 0);
    assert.equal((await lab.run('verify', 'two')).code, 0);
  });
}
