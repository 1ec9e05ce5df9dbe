import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { array, looseObject, object, parse, record, string, unknown } from 'valibot';
import { readRecords } from '../../src/state/records.ts';
import { container, writeRoot } from '../support/berth.ts';
import { createContainer, createPod } from '../support/forgery.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';
import { startPodmanLab } from '../support/podman-lab.ts';

/**
 * Records and labels of pins, copied from a run of a berth without seals, with tokens for the values that
 * differ from machine to machine. berth must read them as long as there is such a host.
 */
const fixtures = join(import.meta.dirname, 'earlier');
const host = 'registry.example.com';
const pinList = array(
  object({ pod: string(), name: string(), labels: record(string(), string()) }),
);

async function startEarlier(t: TestContext) {
  const lab = await startPodmanLab(t);
  const location = join(lab.directory, 'a');
  writeRoot(location, {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  const tokens = new Map([['{{location}}', location]]);
  for (const [n, image] of ['web', 'api'].entries()) {
    const name = `${host}/${image}:1`;
    const built = buildImage({ layers: [{ bytes: 20_000, seed: n }], platforms: ['linux/amd64'] });
    const [manifest] = built.manifests;
    assert.ok(manifest !== undefined);
    lab.registry.push(`${image}:1`, { ...built, top: manifest });
    await lab.engine.podman('pull', '--quiet', '--platform=linux/amd64', name);
    const id = await lab.engine.podman('image', 'inspect', '--format', '{{.Id}}', name);
    tokens.set(`{{${image}.id}}`, `sha256:${id}`).set(`{{${image}.digest}}`, manifest.digest);
  }
  const read = (file: string): unknown => {
    let text = readFileSync(join(fixtures, file), 'utf8');
    for (const [token, value] of tokens) text = text.replaceAll(token, value);
    return JSON.parse(text);
  };
  const state = join(lab.directory, 'state');
  mkdirSync(join(state, 'roots'), { recursive: true });
  for (const [id, content] of Object.entries(parse(looseObject({}), read('records.json')))) {
    writeFileSync(join(state, 'roots', `${id}.json`), JSON.stringify(content, undefined, 2));
  }
  writeFileSync(
    join(state, 'activation.json'),
    '{"apiVersion":"berth/v1","kind":"Activation","root":"a"}\n',
  );
  const pods = new Map<string, string>();
  for (const { pod, name, labels } of parse(pinList, read('pins.json'))) {
    const own = { 'berth.schema': '1', 'berth.root': labels['berth.root'] ?? '' };
    const id = pods.get(pod) ?? (await createPod(lab.engine.socket, { name: pod, labels: own }));
    pods.set(pod, id);
    const image = labels['berth.image'] ?? '';
    await createContainer(lab.engine.socket, { name, pod: id, image, labels });
  }
  const config = join(lab.directory, 'berth.toml');
  writeFileSync(join(lab.directory, 'active'), 'a\n');
  const b = writeRoot(join(lab.directory, 'b'), { 'usr/lib/os-release': 'ID=b\n' });
  const roots = `{ path = "${location}", id = "a" }, { path = "${b}", id = "b" }`;
  writeFileSync(
    config,
    `[directories]\nroots = [${roots}]\nactive = { file = "${join(lab.directory, 'active')}" }\n`,
  );
  return {
    ...lab,
    state,
    location,
    run: (command: string, ...words: string[]) => lab.run(command, '--config', config, ...words),
    containers: () => lab.engine.podman('ps', '--all', '--quiet', '--no-trunc'),
    has: async (image: string) =>
      (await lab.engine.tryPodman('image', 'exists', `${host}/${image}:1`)).code === 0,
  };
}

test('records and pins of a berth without seals serve as they are', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startEarlier(t);
  const before = await lab.containers();
  assert.equal(before.split('\n').length, 3);
  assert.deepEqual(readRecords(lab.state).damaged, []);
  for (const command of ['verify', 'activate', 'reconcile', 'reconcile', 'status']) {
    const { code, stdout, stderr } = await lab.run(command);
    assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
    assert.doesNotMatch(stderr, /warning|lost|damaged|one of its pins/, command);
    assert.equal(await lab.containers(), before, `${command} makes no pin anew`);
  }
  assert.match((await lab.run('reconcile')).stdout, /Nothing had to be done/);
  const list = await lab.run('pins', '--format', 'json');
  const { pins } = parse(
    object({ pins: array(looseObject({ fetched: unknown() })) }),
    (({ pins }: { pins: unknown }) => ({ pins }))(JSON.parse(list.stdout)),
  );
  assert.deepEqual(
    pins.map(({ fetched }) => fetched),
    [true, true, true],
    'as the records say',
  );
  rmSync(lab.location, { recursive: true });
  writeFileSync(join(lab.directory, 'active'), 'b\n');
  const gone = await lab.run('reconcile');
  assert.match(gone.stdout, /^a +gone +released$/m, gone.stderr);
  assert.equal((await lab.run('prune', '--force')).code, 0);
  assert.deepEqual([await lab.has('api'), await lab.has('web')], [false, true]);
  assert.equal((await lab.run('unpin', `${host}/web:1`)).code, 0);
  assert.equal((await lab.run('prune', '--force')).code, 0);
  assert.equal(await lab.has('web'), false);
});

test('a pin made anew gets a seal, once', { skip: skipPodman }, async (t) => {
  const lab = await startEarlier(t);
  lab.registry.push('more:1', buildImage({ layers: [{ bytes: 20_000, seed: 7 }] }));
  writeRoot(lab.location, container('more', `${host}/more:1`));
  assert.equal((await lab.run('stage', '--bind', 'all', 'booted')).code, 0);
  const after = await lab.containers();
  assert.equal(after.split('\n').length, 4);
  assert.equal((await lab.run('stage', '--bind', 'all', 'booted')).code, 0);
  assert.equal((await lab.run('reconcile')).code, 0);
  assert.equal(await lab.containers(), after);
  rmSync(join(lab.state, 'roots'), { recursive: true });
  assert.equal((await lab.run('release', 'a')).code, 0);
  assert.equal((await lab.run('prune', '--force')).code, 0);
  assert.deepEqual([await lab.has('api'), await lab.has('more')], [false, false], 'proven');
});

test('their records lost, the pins bring them back, and prove nothing', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startEarlier(t);
  rmSync(lab.state, { recursive: true });
  const { code, stderr } = await lab.run('activate');
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /the record of a is lost; .* nothing proves .* `berth prune` will leave them/,
  );
  assert.deepEqual([...readRecords(lab.state).byId.keys()].sort(), ['a', 'manual']);
  assert.equal((await lab.run('verify')).code, 0);
  const released = await lab.run('release', 'a');
  assert.match(
    released.stderr,
    /the pins of a claim that berth fetched 2 images, but nothing proves/,
  );
  assert.equal((await lab.run('unpin', `${host}/web:1`)).code, 0);
  assert.match((await lab.run('prune', '--force')).stderr, /Nothing to prune/);
  assert.deepEqual([await lab.has('api'), await lab.has('web')], [true, true]);
});
