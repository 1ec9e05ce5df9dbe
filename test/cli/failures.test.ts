import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import * as v from 'valibot';
import * as schemas from '../../src/documents/schemas.ts';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';
const store = ['--engine', 'store', '--bind', 'all'];

/** A machine, and a root whose units name these images. */
async function site(t: TestContext, ...images: string[]) {
  const machine = await startMachine(t);
  const units = images.map((image, i) => container(`unit${10 + i}`, image));
  const root = writeRoot(join(machine.directory, 'os'), Object.assign({}, ...units));
  const policy = (asked: object) =>
    writeFileSync(
      join(machine.directory, 'home/.config/containers/policy.json'),
      JSON.stringify({ default: [asked] }),
    );
  return { machine, root, policy };
}

test('failures are printed in the order of the plan, each once', async (t) => {
  const images = Array.from({ length: 12 }, (_, i) => `${host}/app:${10 + i}`);
  const { machine, root } = await site(t, ...images, 'localhost:1/down:1');
  // The images that are requested first have the slowest replies.
  machine.registry.fault = ({ path }) =>
    /1[0-5]$/.test(path) ? { kind: 'slow', bytes: 4, every: 1 } : undefined;
  const { code, stdout, stderr } = await machine.berth('stage', ...store, '--id', 'os', root);
  assert.equal(code, 1);
  assert.equal(stdout, 'os is NOT ready on store: 13 of 13 images failed.\n');
  const failed = [...stderr.matchAll(/^failed (\S+): (.*)$/gm)].map(([, name, said]) => ({
    name,
    said: said ?? '',
  }));
  assert.deepEqual(
    failed.map(({ name }) => name),
    [...images, 'localhost:1/down:1'],
  );
  assert.equal(
    failed.at(-1)?.said,
    'expected a connection, found connection refused (ECONNREFUSED); wanted by unit22.service',
  );
  assert.match(failed[0]?.said ?? '', /^registry 127\.0\.0\.1:\d+, repository app: .* of tag 10, /);
});

test('a message that concerns several images is printed once', async (t) => {
  const { machine, root } = await site(t, `${host}/a:1`, `${host}/b:1`);
  machine.environment['CONTAINERS_REGISTRIES_CONF'] = '/nowhere';
  const { code, stderr } = await machine.berth('plan', ...store, root);
  assert.equal(code, 2);
  assert.match(
    stderr,
    new RegExp(`^failed ${host}/a:1, ${host}/b:1: /nowhere: is not there.*\n  → .*\n$`),
  );
});

test('images of a registry that is down fail in one line, with the units that want them', async (t) => {
  const images = Array.from({ length: 7 }, (_, i) => `localhost:1/app${i}:1`);
  const { machine, root } = await site(t, ...images);
  writeRoot(root, container('again', 'localhost:1/app0:1'));
  const { code, stdout, stderr } = await machine.berth('plan', ...store, root, '--format', 'json');
  assert.equal(code, 5);
  const [{ wantedBy }] = JSON.parse(stdout).failures;
  assert.deepEqual(wantedBy, ['again.service', 'unit10.service']);
  const names = images.slice(0, 5).join(', ');
  const units = 'again.service, unit10.service, unit11.service and 5 more';
  assert.equal(
    stderr.replace(/expected .* \(ECONNREFUSED\)/, 'CAUSE').replace(/→ .*/, '→ HINT'),
    `failed ${names} and 2 more: registry localhost:1: CAUSE; wanted by ${units}\n  → HINT\n`,
  );
});

test('a broken file in a Quadlet directory is one line, and its neighbours are counted in another', async (t) => {
  const images = Array.from({ length: 6 }, (_, i) => `${host}/app${i}:1`);
  const { machine, root } = await site(t, ...images);
  writeRoot(root, { 'usr/share/containers/systemd/broken.container': '[Container\n' });
  const { code, stderr } = await machine.berth('images', root);
  assert.equal(code, 0);
  const said = [...stderr.matchAll(/^(?:problem|note) syntax (.*?): expected/gm)];
  assert.deepEqual(
    new Set(said.map(([, places = '']) => places.replaceAll('/usr/share/containers/systemd/', ''))),
    new Set([
      'broken.container:1',
      'unit10.container, unit11.container, unit12.container and 3 more',
    ]),
  );
});

test('a root of which nothing is bound is not ready, and no command passes over that in silence', async (t) => {
  const { machine, root } = await site(t, `${host}/a:1`, `${host}/b:1`);
  const onStore = ['--engine', 'store'];
  for (const [command, expected] of [
    ['stage', 3],
    ['verify', 3],
    ['plan', 0],
    ['lock', 0],
    ['ship', 0],
    ['lint', 0],
  ] as const) {
    const { code, stdout, stderr } = await machine.berth(command, ...onStore, root);
    assert.equal(code, expected, command);
    assert.match(stdout + stderr, /none of them is bound|Nothing of .* is bound/, command);
  }
});

test('a unit whose section is misspelt is an error, though it can’t be bound', async (t) => {
  const { machine, root } = await site(t, `${host}/a:1`);
  writeRoot(root, {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "enabled"\n',
    'usr/share/containers/systemd/wrong.container': `[Contaner]\nImage=${host}/b:1\n`,
  });
  for (const [command, expected] of [
    ['lint', 1],
    ['stage', 3],
  ] as const) {
    machine.registry.push('a:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
    const { code, stdout, stderr } = await machine.berth(command, '--engine', 'store', root);
    assert.equal(code, expected, stderr);
    assert.match(
      stdout + stderr,
      /(error|problem) refused .*wrong\.container: expected Image=/,
      command,
    );
  }
});

test('a directory that is no OS tree is refused, whatever reads it', async (t) => {
  const machine = await startMachine(t);
  const root = join(machine.directory, 'empty');
  mkdirSync(join(root, 'lost+found'), { recursive: true });
  for (const command of ['images', 'plan', 'stage', 'verify', 'lint', 'lock', 'ship', 'bundle']) {
    const more = command === 'bundle' ? ['--output', join(machine.directory, 'bundle')] : [];
    const { code, stdout, stderr } = await machine.berth(command, ...more, root);
    assert.equal(code, 2, command);
    assert.equal(stdout, '');
    assert.match(stderr, /expected an OS tree at .*empty.*\n {2}→ see whether its file system/);
  }
});

test('a proxy variable that holds no URL is said before anybody is asked', async (t) => {
  const { machine, root } = await site(t, `${host}/a:1`);
  machine.environment['HTTPS_PROXY'] = 'http://[';
  const { code, stderr } = await machine.berth('plan', ...store, root);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /HTTPS_PROXY: expected the URL of a proxy .*, found "http:\/\/\["; wanted by unit10\.service\n {2}→ write it as/,
  );
  assert.deepEqual(machine.registry.requests, []);
});

test('a plan says what policy.json refuses, and asks nobody', async (t) => {
  const { machine, root, policy } = await site(t, `${host}/a:1`);
  machine.registry.push('a:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  policy({ type: 'reject' });
  const plan = await machine.berth('plan', ...store, root);
  assert.equal(plan.code, 4, plan.stderr);
  assert.match(plan.stdout, /^0 images for .* 1 name that can’t be staged/);
  assert.match(
    plan.stderr,
    new RegExp(`^failed ${host}/a:1: it is rejected \\(.*policy\\.json, default`),
  );
  policy({ type: 'signedBy', keyType: 'X509Certificates', keyPath: '/k' });
  const unjudged = await machine.berth('plan', ...store, root);
  assert.equal(unjudged.code, 4, unjudged.stderr);
  assert.match(
    unjudged.stderr,
    /signedBy with X509Certificates is required, which neither berth nor podman/,
  );
  assert.deepEqual(machine.registry.requests, []);
});

test('an image without a registry is what is here by its name, or must be brought', async (t) => {
  const { machine, root } = await site(t, 'localhost/app:1');
  const missing = await machine.berth('stage', ...store, '--id', 'os', root);
  assert.equal(missing.code, 1);
  assert.match(
    missing.stderr,
    /^failed localhost\/app:1: expected an image that was built or loaded/,
  );
  assert.match(missing.stderr, /\n {2}→ build it, or `podman load` it/);
  machine.registry.push('app:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  await machine.berth('pull', '--engine', 'store', `${host}/app:1`);
  const index = join(machine.directory, 'state/store/index.json');
  writeFileSync(index, readFileSync(index, 'utf8').replaceAll(`${host}/app`, 'localhost/app'));
  const staged = await machine.berth('stage', ...store, '--id', 'os', root);
  assert.equal(staged.code, 0, staged.stderr);
});

test('reconcile names root, image and code of what failed', async (t) => {
  const { machine, root } = await site(t, `${host}/gone:1`);
  writeRoot(root, { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' });
  const config = join(machine.directory, 'berth.toml');
  writeFileSync(join(machine.directory, 'active'), 'a');
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${root}", id = "a" }]\nactive = { file = "${machine.directory}/active" }\n`,
  );
  const reconcile = ['reconcile', '--config', config, '--engine', 'store'];
  const { code, stdout, stderr } = await machine.berth(...reconcile, '--format', 'json');
  assert.equal(code, 1);
  const [found] = v.parse(schemas.ReconcileResult, JSON.parse(stdout)).roots;
  assert.deepEqual(
    [found?.id, found?.failures.map((failure) => [failure.image, failure.code])],
    ['a', [[`${host}/gone:1`, 'not-found']]],
  );
  assert.match(stderr, new RegExp(`^failed a: ${host}/gone:1: registry 127`));
});
