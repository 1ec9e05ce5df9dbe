import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { PinRequest } from '../../src/engine/pin.ts';
import { container, writeRoot } from '../support/berth.ts';
import { type Forgery, forge } from '../support/forgery.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';
import { startPodmanLab } from '../support/podman-lab.ts';

const skip = skipPodman;
const host = 'registry.example.com';
const bind = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };

/** A host of two slots, a of which runs, with a podman of its own; nothing is staged. */
async function startSlots(t: TestContext) {
  const lab = await startPodmanLab(t);
  for (const [seed, name] of ['web:1', 'mine:1', 'evil:1', 'prod:1'].entries()) {
    lab.registry.push(name, buildImage({ layers: [{ bytes: 20_000, seed }] }));
  }
  const a = writeRoot(join(lab.directory, 'a'), { ...bind, ...container('web', `${host}/web:1`) });
  const active = join(lab.directory, 'active');
  writeFileSync(active, 'a\n');
  const config = join(lab.directory, 'berth.toml');
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${a}", id = "a" }]\nactive = { file = "${active}" }\n`,
  );
  const idOf = async (name: string) =>
    `sha256:${await lab.engine.podman('image', 'inspect', '--format', '{{.Id}}', name)}`;
  return {
    ...lab,
    a,
    config,
    state: join(lab.directory, 'state'),
    run: (command: string, ...words: string[]) => lab.run(command, '--config', config, ...words),
    idOf,
    /** An image that somebody pulled, as a forged pin says it of itself. */
    pulled: async (name: string): Promise<PinRequest> => {
      await lab.engine.podman('pull', '--quiet', `${host}/${name}`);
      const id = await idOf(`${host}/${name}`);
      const meaning = { digest: id, manifest: id };
      const staged = '2026-01-01T00:00:00Z';
      return {
        id,
        platform: 'linux/amd64',
        names: [{ name: `${host}/${name}`, ...meaning }],
        fetched: true,
        record: { location: '/srv/gone', images: 1, problems: 0, staged },
      };
    },
    has: async (name: string) =>
      (await lab.engine.tryPodman('image', 'exists', `${host}/${name}`)).code === 0,
    forge: (forgery: Forgery) => forge(lab.engine.socket, forgery),
  };
}

/** Every file below a directory with what is in it, but for what lies in `except`. */
function filesOf(directory: string, except: string): ReadonlyMap<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(`${except}/`));
  return new Map(paths.sort().map((path) => [path, readFileSync(path, 'latin1')]));
}

test('no label leads out of the state directory, whatever is run', { skip }, async (t) => {
  const lab = await startSlots(t);
  const pin = await lab.pulled('evil:1');
  assert.equal((await lab.run('reconcile')).code, 0);
  const bundle = join(lab.directory, 'site.tar.zst');
  const bundled = await lab.berth('bundle', lab.a, '--output', bundle);
  assert.equal(bundled.code, 0, bundled.stderr);
  writeRoot(lab.directory, {
    'victim/policy.json': 'untouched',
    'state/victim/policy.json': 'untouched',
  });
  const ids = [
    '../../victim/policy',
    '../victim/policy',
    '..',
    '.',
    '',
    '/',
    'a\u001b[31m',
    'booted',
  ];
  for (const root of ids) await lab.forge({ root, pin });
  await lab.forge({ root: 'b', pin, name: 'of-no-pin' });
  const outside = filesOf(lab.directory, lab.state);
  const victim = join(lab.state, 'victim/policy.json');
  for (const words of [
    ['status'],
    ['verify'],
    ['activate'],
    ['plan', 'booted'],
    ['stage', 'booted'],
    ['reconcile'],
    ['pins'],
    ['pin', `${host}/mine:1`],
    ['pull', '--pin', 'x', `${host}/mine:1`],
    ['pin', `${host}/mine:1`],
    ['unpin', 'x'],
    ['unpin', `${host}/mine:1`],
    ['load', bundle],
    ['release', '../../victim/policy'],
    ['release', 'a'],
    ['reconcile'],
    ['prune', '--force'],
  ]) {
    const [command = '', ...more] = words;
    const { stdout, stderr } = await lab.run(command, ...more);
    const said = `${words.join(' ')}: ${stdout}${stderr}`;
    assert.ok(!said.includes('\u001b[31m'), JSON.stringify(said));
    assert.match(stderr, /carries labels of berth but is not one of its pins/, said);
    assert.deepEqual(filesOf(lab.directory, lab.state), outside, said);
    assert.equal(readFileSync(victim, 'utf8'), 'untouched', said);
    const records = readdirSync(join(lab.state, 'roots'));
    const known = /^(?:a|manual|manual\.x)\.json$/;
    assert.deepEqual(
      records.filter((name) => !known.test(name)),
      [],
      said,
    );
  }
  const containers = await lab.engine.podman('ps', '--all', '--quiet');
  assert.equal(containers.split('\n').length, ids.length + 2, 'theirs, and the pin of a');
});

test('activate moves no name because of what a container says', { skip }, async (t) => {
  const lab = await startSlots(t);
  const evil = await lab.pulled('evil:1');
  const prod = await lab.pulled('prod:1');
  const name = 'victim.example/prod:1';
  await lab.engine.podman('tag', `${host}/prod:1`, name);
  const pin: PinRequest = {
    ...evil,
    names: [{ name, digest: evil.id, manifest: evil.id }],
    record: { ...evil.record, deployment: { updater: 'directories', role: 'booted' } },
  };
  const forgeries: readonly (readonly [string, Omit<Forgery, 'root' | 'pin'>])[] = [
    ['a plain container', { pod: 'none', name: 'mine' }],
    ['one with the name of a pin', { pod: 'none' }],
    ['one in a pod of another name', { pod: { name: 'my-pod' } }],
    ['one that would run something', { body: { entrypoint: ['/bin/sh'] } }],
    ['one in a pod without labels', { pod: { labels: {} } }],
  ];
  for (const [what, forgery] of forgeries) {
    const forged = await lab.forge({ root: 'a', pin, ...forgery });
    const { code, stdout, stderr } = await lab.run('activate');
    assert.equal(code, 3, what);
    assert.match(stdout + stderr, /not staged/, what);
    assert.match(stderr, /not one of its pins/, what);
    assert.equal(await lab.idOf(name), prod.id, what);
    assert.ok(!existsSync(join(lab.state, 'roots/a.json')), what);
    await lab.engine.podman('rm', forged);
    rmSync(join(lab.state, 'activation.json'), { force: true });
  }
  // The pin that berth itself made brings the record back, and the name.
  assert.equal((await lab.run('reconcile')).code, 0);
  const web = await lab.idOf(`${host}/web:1`);
  for (const file of ['roots', 'activation.json']) {
    rmSync(join(lab.state, file), { recursive: true, force: true });
  }
  await lab.engine.podman('tag', `${host}/evil:1`, `${host}/web:1`);
  assert.equal((await lab.run('activate')).code, 0);
  assert.equal(await lab.idOf(`${host}/web:1`), web);
});

test('reconcile releases and prune removes nothing because of what a container says', {
  skip,
}, async (t) => {
  const lab = await startSlots(t);
  const mine = await lab.pulled('mine:1');
  assert.equal((await lab.run('reconcile')).code, 0);
  const deployment = { updater: 'directories', role: 'other' } as const;
  const pin = { ...mine, record: { ...mine.record, deployment } };
  const forged = await lab.forge({ root: 'gone', pin, pod: 'none' });
  const { stdout, stderr } = await lab.run('reconcile');
  assert.doesNotMatch(stdout, /gone/);
  assert.match(stderr, /not in a pod that berth made for gone/);
  await lab.engine.podman('rm', forged);
  // A container that looks exactly like a pin may be dropped like a pin: its image is somebody else's.
  await lab.forge({ root: 'gone', pin });
  await lab.forge({ root: 'a', pin });
  await lab.run('reconcile');
  await lab.run('release', 'a');
  assert.equal((await lab.run('prune', '--force')).code, 0);
  assert.deepEqual([await lab.has('mine:1'), await lab.has('web:1')], [true, false]);
});

test('after the loss of the state directory, pins bring back everything but the proof that berth fetched', {
  skip,
}, async (t) => {
  const lab = await startSlots(t);
  assert.equal((await lab.run('reconcile')).code, 0);
  rmSync(lab.state, { recursive: true });
  const activated = await lab.run('activate');
  assert.equal(activated.code, 0, activated.stderr);
  assert.match(activated.stderr, /the record of a is lost; .* `berth prune` will leave them/);
  assert.equal((await lab.run('verify')).code, 0);
  // In which files the names stand comes from the tree alone.
  assert.match((await lab.run('reconcile')).stdout, /staged now/);
  assert.match((await lab.run('reconcile')).stdout, /Nothing had to be done/);
  assert.equal((await lab.run('release', 'a')).code, 0);
  assert.match((await lab.run('prune', '--force')).stderr, /Nothing to prune/);
  assert.ok(await lab.has('web:1'));
});

test('with the key alone left, pins still prove what berth fetched', { skip }, async (t) => {
  const lab = await startSlots(t);
  assert.equal((await lab.run('reconcile')).code, 0);
  rmSync(join(lab.state, 'roots'), { recursive: true });
  const released = await lab.run('release', 'a');
  assert.doesNotMatch(released.stderr, /proves/);
  assert.equal((await lab.run('prune', '--force')).code, 0);
  assert.ok(!(await lab.has('web:1')));
});
