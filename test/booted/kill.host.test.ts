import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { reconciledAfter, runs, service, startHostLab, state } from '../support/host-lab.ts';
import { withTorn } from '../support/podman.ts';
import { isOver, rounds, seeded } from '../support/property.ts';

/** How often each of the two is killed. */
const TIMES = rounds(2);

test('a host that is killed while it stages, and while it releases, boots and converges', async (t) => {
  const random = seeded();
  const lab = await startHostLab(t, { berth: true });
  const first = lab.push('web:1', 'first');
  const settings = { 'usr/etc/berth/berth.toml': 'held-days = 0\n' };
  const root = (tag: string) => ({
    ...settings,
    ...service('web', lab.name(tag)),
    ...service('more', lab.name(`more-${tag}`)),
  });
  const more = lab.push('more-web:1', 'more');
  lab.commit('acme/a', root('web:1'));
  lab.deploy('acme/a');
  let host = await lab.boot();
  const a = host.id;
  const reconcile = () => host.run('systemctl', 'start', 'berth-reconcile.service');
  reconcile();

  /** Queues the next version, whose images take a while to fetch. */
  const queue = (version: number, ...words: string[]) => {
    const tag = `web:v${version}`;
    for (const name of [tag, `more-${tag}`]) lab.push(name, name, 8_000_000);
    lab.commit(`acme/v${version}`, root(tag));
    host.run('ostree', 'admin', 'deploy', '--os=acme', ...words, `acme/v${version}`);
  };
  const timed = (action: () => void) => {
    const begin = performance.now();
    reconciledAfter(host, action);
    return performance.now() - begin;
  };
  const isReady = (id: string) => host.try('berth', 'verify', id).code === 0;

  const staging = timed(() => queue(0, '--stage'));
  for (let i = 1; i <= TIMES && !isOver(); i++) {
    queue(i, '--stage');
    await delay(random() * staging);
    await host.kill();
    host = await lab.boot(a);
    assert.deepEqual([state(host, 'web'), runs(host, 'web')], ['active', first], `staging ${i}`);
    reconcile();
    assert.ok(isReady(a), `staging ${i}`);
  }
  for (let i = TIMES + 1; i <= 2 * TIMES && !isOver(); i++) {
    queue(i, '--retain');
    reconcile();
    const next = lab.bootable()[0] ?? '';
    assert.ok(isReady(next), `before releasing ${i}`);
    host.run('ostree', 'admin', 'undeploy', '0');
    await delay(random() * 500);
    await host.kill();
    host = await lab.boot(a);
    assert.deepEqual([state(host, 'web'), runs(host, 'web')], ['active', first], `releasing ${i}`);
    reconcile();
    assert.ok(isReady(a), `releasing ${i}`);
  }
  // It may have died over an image that was not finished: here one surely was.
  host.run('tar', '-c', '-f', '/run/archive.tar', '/etc/hostname');
  const torn = host.run('podman', 'import', '--quiet', '/run/archive.tar').replace('sha256:', '');
  host.run('systemctl', 'stop', 'podman.service');
  const images = '/var/lib/containers/storage/overlay-images';
  const list = withTorn(host.run('cat', `${images}/images.json`), torn);
  host.run('sh', '-c', `printf %s "$1" > ${images}/images.json`, 'sh', list);
  host.run('rm', '-r', `${images}/${torn}`);
  assert.match(host.try('berth', 'status').stderr, /was left half-written/);
  // What was only staged when the host was killed is held first, and then for no day at all.
  reconcile();
  reconcile();
  assert.match(host.run('berth', 'reconcile'), /Nothing had to be done/);
  const { pins } = JSON.parse(host.run('berth', 'pins', '--format', 'json')) as {
    pins: { root: string; id: string }[];
  };
  assert.deepEqual(
    new Set(pins.map((pin) => `${pin.root} ${pin.id}`)),
    new Set([`${a} ${first}`, `${a} ${more}`]),
  );
  host.run('berth', 'prune', '--force');
  const left = new Set(host.run('podman', 'images', '-q', '--no-trunc').split('\n'));
  assert.deepEqual(
    [first, more].filter((id) => !left.has(id)),
    [],
  );
  // What podman had just finished when the host was killed has no pin that would say who brought it,
  // so berth leaves it: it has no tag, and podman's own prune takes it.
  host.run('podman', 'image', 'prune', '-a', '-f');
  const kept = new Set(host.run('podman', 'images', '-q', '--no-trunc').split('\n'));
  assert.deepEqual(kept, new Set([first, more]));
});
