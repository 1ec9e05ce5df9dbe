import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { deferredArtifacts, keepable } from '../../../src/lifecycle/plan/artifacts.ts';
import { keptFromRecord, presentByName } from '../../../src/lifecycle/plan/kept.ts';
import { buildArtifact } from '../../support/artifact.ts';
import { container, startMachine, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import {
  bindingFor,
  digestFor,
  engineSample,
  recordImage,
  stagedRecord,
} from '../../support/samples.ts';

const name = 'registry.example.com/model:1';
const image = bindingFor('registry.example.com/web:1');
const reference = { raw: name, path: '/a.container', line: 3, key: 'Mount', unit: 'a.service' };
const artifact = bindingFor(name, { artifact: true, references: [reference] });
const said = { name: 'podman', version: '4.3.1', directory: '/', description: '' } as const;

test('an engine that keeps artifacts keeps all bindings', async () => {
  const engine = engineSample('podman', { keepsArtifacts: () => true });
  assert.deepEqual(await keepable(engine, [image, artifact]), {
    bindings: [image, artifact],
    problems: [],
  });
});

for (const [what, keeps] of [
  ['has no artifact store', () => false],
  ['knows no artifacts', undefined],
] as const) {
  test(`an engine that ${what} keeps images alone, and each artifact is a problem`, async () => {
    const engine = engineSample('podman', { keepsArtifacts: keeps, info: async () => said });
    const { bindings, problems } = await keepable(engine, [image, artifact]);
    assert.deepEqual(bindings, [image]);
    assert.equal(problems.length, 1);
    const [{ code, path, line, message, bound } = assert.fail()] = problems;
    assert.deepEqual(
      { code, path, line, bound },
      { code: 'artifact', path: '/a.container', line: 3, bound: true },
    );
    assert.match(message, /found podman 4\.3\.1/);
  });
}

test('an engine is not asked about itself when there are only images', async () => {
  const engine = engineSample('podman', { info: async () => assert.fail() });
  assert.deepEqual(await keepable(engine, [image]), { bindings: [image], problems: [] });
});

test('a deferred name is a problem for an artifact, and none for an image', () => {
  const deferred = [name, image.name].map((one) => ({
    name: one,
    id: digestFor('b'),
    current: digestFor('a'),
    heldBy: ['old'],
  }));
  const problems = deferredArtifacts([image, artifact], deferred);
  assert.deepEqual(
    problems.map(({ code, path, bound }) => ({ code, path, bound })),
    [{ code: 'artifact', path: '/a.container', bound: true }],
  );
});

test('an image of the same name does not stand for an artifact', () => {
  const id = digestFor('a');
  const digests = [`registry.example.com/model@${id}`];
  const engine = (more: object) => ({
    images: new Map([[id, { id, names: [name], digests, size: 1, ...more }]]),
  });
  const record = stagedRecord('os', { ...recordImage('a', name), artifact: true });
  assert.equal(presentByName(artifact, engine({})), undefined);
  assert.equal(presentByName(artifact, engine({ artifact: true }))?.id, id);
  assert.equal(presentByName(bindingFor(name), engine({ artifact: true })), undefined);
  assert.equal(keptFromRecord(artifact, engine({ artifact: true }), record)?.id, id);
  assert.equal(keptFromRecord(bindingFor(name), engine({}), record), undefined);
});

test('a root with an artifact is staged without it on an engine that has no room for artifacts, and is not ready', async (t) => {
  const machine = await startMachine(t);
  const { host } = machine.registry;
  machine.registry.push('app:1', buildImage({ layers: [{ bytes: 100, seed: 1 }] }));
  machine.registry.push('model:1', buildArtifact({ a: 'x' }));
  const mount = `Mount=type=artifact,source=${host}/model:1,destination=/m\n`;
  const root = writeRoot(join(machine.directory, 'root'), container('app', `${host}/app:1`, mount));
  const words = ['--engine', 'store', '--bind', 'all', '--id', 'os', root];
  const staged = await machine.berth('stage', ...words);
  assert.equal(staged.code, 3, staged.stderr);
  assert.match(staged.stdout + staged.stderr, /artifact .*model:1.*found store/);
  const verified = await machine.berth('verify', '--engine', 'store', 'os');
  assert.equal(verified.code, 3);
  assert.ok(!/image-missing|is not there/.test(verified.stdout), verified.stdout);
  const planned = await machine.berth('plan', ...words);
  assert.match(planned.stdout + planned.stderr, /found store/);
});
