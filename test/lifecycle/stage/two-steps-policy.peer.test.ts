import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { skipPodman } from '../../support/podman.ts';
import { startPodmanLab } from '../../support/podman-lab.ts';

const host = 'registry.example.com';
const image = buildImage({ layers: [{ bytes: 50_000, seed: 1 }], entrypoint: ['/bin/entry'] });
const all = ['--bind', 'all', '--id', 'os'];

/** Two names of one image, of which policy.json takes `free` alone. */
async function startLab(t: TestContext) {
  const lab = await startPodmanLab(t);
  for (const name of ['free:1', 'strict:1']) lab.registry.push(name, image);
  const policy = {
    default: [{ type: 'insecureAcceptAnything' }],
    transports: { docker: { [`${host}/strict`]: [{ type: 'reject' }] } },
  };
  const file = join(lab.directory, 'home/.config/containers/policy.json');
  writeFileSync(file, JSON.stringify(policy));
  const strict = container('strict', `${host}/strict:1`);
  return { lab, strict, known: () => lab.engine.podman('images', '-q', `${host}/strict`) };
}

test('an image that the store has by another name is judged by this one', {
  skip: skipPodman,
}, async (t) => {
  const { lab, strict, known } = await startLab(t);
  const pulled = await lab.berth('pull', '--engine', 'store', `${host}/free:1`);
  assert.equal(pulled.code, 0, pulled.stderr);
  const root = writeRoot(join(lab.directory, 'os'), strict);
  const staged = await lab.run('stage', ...all, root);
  assert.notEqual(staged.code, 0, 'policy.json rejects it');
  assert.equal(await known(), '');
});

test('an image that waits by one name is judged by the others', { skip: skipPodman }, async (t) => {
  const { lab, strict, known } = await startLab(t);
  const free = container('free', `${host}/free:1`);
  const root = writeRoot(join(lab.directory, 'os'), { ...free, ...strict });
  const first = await lab.run('stage', '--download-only', ...all, root);
  assert.equal(first.code, 4, first.stderr);
  const staged = await lab.run('stage', ...all, root);
  assert.notEqual(staged.code, 0, 'policy.json rejects it');
  assert.equal(await known(), '');
});

test('a plan says what podman’s policy rejects, and not of what is there', {
  skip: skipPodman,
}, async (t) => {
  const machine = await startPodmanLab(t);
  for (const tag of ['web:1', 'api:1']) {
    machine.registry.push(tag, buildImage({ layers: [{ bytes: 1000, seed: tag.charCodeAt(0) }] }));
  }
  const root = (name: string) =>
    writeRoot(join(machine.directory, name), container(name, `${host}/${name}:1`));
  const words = ['--bind', 'all', '--id'];
  assert.equal((await machine.run('stage', ...words, 'web', root('web'))).code, 0);
  const policy = join(machine.directory, 'home/.config/containers/policy.json');
  writeFileSync(policy, '{"default":[{"type":"reject"}]}');
  const oracle = await machine.engine.tryPodman('pull', `${host}/api:1`);
  assert.match(oracle.stderr, /rejected by policy/);
  const plan = await machine.run('plan', ...words, 'api', root('api'));
  assert.equal(plan.code, 4, plan.stderr);
  assert.match(
    plan.stderr,
    /^failed registry\.example\.com\/api:1: it is rejected \(.*policy\.json/,
  );
  const present = await machine.run('plan', ...words, 'again', join(machine.directory, 'web'));
  assert.equal(present.code, 0, present.stderr);
  assert.equal(
    (await machine.run('stage', ...words, 'again', join(machine.directory, 'web'))).code,
    0,
  );
});
