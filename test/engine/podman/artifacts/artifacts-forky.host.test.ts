import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { array, looseObject, optional, parse, string } from 'valibot';
import { Secret } from '../../../../src/common/secret.ts';
import type { Engine } from '../../../../src/engine/engine.ts';
import { EngineError } from '../../../../src/engine/errors.ts';
import { PodmanApi } from '../../../../src/engine/podman/api/api.ts';
import { byDigest } from '../../../../src/image/name.ts';
import type { ResolvedImage } from '../../../../src/image/resolved.ts';
import type { Access } from '../../../../src/registry/access.ts';
import { buildArtifact } from '../../../support/artifact.ts';
import { container, writeRoot } from '../../../support/berth.ts';
import { buildImage } from '../../../support/image-builder.ts';
import { skipPodman } from '../../../support/podman.ts';
import { startRegistry } from '../../../support/registry.ts';
import { fromRegistry } from '../../../support/source.ts';
import { startBootedPodman } from '../../contract/booted-podman.ts';
import { fetchFrom, withEngine } from '../../contract/calls.ts';
import { ownPlatform } from '../../contract/images.ts';
import type { TestedEngine } from '../../contract/tested-engine.ts';
import { resolvedOf } from '../fixture.ts';

test('podman 5.8 keeps OCI artifacts for roots', { skip: skipPodman }, async (t) => {
  const tested = await startBootedPodman(t, 'forky');
  await t.test('credentials of a unit are used, and no others', (inner) =>
    withEngine(tested, (engine) => checkCredentials(inner, engine)),
  );
  t.diagnostic(`the engine is ${tested.version}`);
  for (const [name, check] of Object.entries(calls)) {
    await t.test(name, () => withEngine(tested, (engine) => check(engine, tested)));
  }
  for (const [name, check] of Object.entries(stages)) {
    await t.test(name, () => check(tested));
  }
});

/** The units of a root that mounts an artifact, which another unit pulls. */
function units({ machine: { registry } }: TestedEngine, tag: string): Record<string, string> {
  const { host } = registry;
  const mount = 'Mount=type=artifact,source=data.artifact,destination=/data\n';
  return {
    ...container('app', `${host}/app:${tag}`, mount),
    'usr/share/containers/systemd/data.artifact': `[Artifact]\nArtifact=${host}/data:${tag}\n`,
    'usr/share/containers/systemd/artifact.d/10-berth.conf':
      '[Service]\nExecCondition=/usr/bin/berth activate --pull-needed %n\n',
  };
}

/** berth on the engine, with the JSON that it prints. */
async function berth({ machine, option }: TestedEngine, command: string, ...words: string[]) {
  const format = ['--engine', option, '--format', 'json'];
  const { code, stdout, stderr } = await machine.berth(command, ...words, ...format);
  return { code, stderr, json: JSON.parse(stdout || '{}') as unknown };
}

const findings = looseObject({
  findings: array(looseObject({ code: string(), name: optional(string()) })),
});

const codesIn = (json: unknown) => parse(findings, json).findings.map(({ code }) => code);

type Files = Readonly<Record<string, string>>;

function push(
  { machine: { registry } }: TestedEngine,
  name: string,
  files: Files,
  inIndex = false,
): ResolvedImage {
  const built = buildArtifact(files, { inIndex });
  registry.push(name, built);
  const [image] = resolvedOf(`${registry.host}/${name}`, built, [ownPlatform]);
  assert.ok(image !== undefined);
  return { ...image, artifact: true };
}

async function checkCredentials(t: TestContext, engine: Engine): Promise<void> {
  const basic = { username: 'unit', password: 's3cret' };
  const registry = await startRegistry({ auth: { basic } });
  t.after(() => registry.close());
  const built = buildArtifact({ a: 'private' });
  registry.push('private:1', built);
  const [resolved] = resolvedOf(`${registry.host}/private:1`, built, [ownPlatform]);
  assert.ok(resolved !== undefined);
  const image: ResolvedImage = { ...resolved, artifact: true };
  const access = (password: string): Access => ({
    // This registry speaks plain HTTP.
    tlsVerify: false,
    credentials: { kind: 'basic', username: 'unit', password: new Secret(password) },
  });
  const wrong = engine.fetch(image, fromRegistry(access('wrong')));
  await assert.rejects(wrong, { code: 'unauthorized' });
  await engine.fetch(image, fromRegistry(access('s3cret')));
  // The name moves with the credentials of the fetch.
  const later = buildArtifact({ a: 'private, later' });
  registry.push('private:1', later);
  const [moved] = resolvedOf(image.name, later, [ownPlatform]);
  assert.ok(moved !== undefined);
  await engine.fetch({ ...moved, artifact: true }, fromRegistry(access('s3cret')));
  await engine.tag(moved.manifest, image.name);
  assert.deepEqual((await find(engine, moved.manifest))?.names, [image.name]);
}

async function find(engine: Engine, id: string) {
  return (await engine.images()).find((image) => image.id === id);
}

const calls: Readonly<Record<string, (engine: Engine, tested: TestedEngine) => Promise<void>>> = {
  'a fetch brings the artifact under its digest and its tag': async (engine, tested) => {
    const image = push(tested, 'model:1', { a: 'one' });
    assert.equal(engine.keepsArtifacts?.(), true);
    assert.equal(engine.idOf(image), image.manifest);
    assert.equal(await engine.has(image.manifest), false);
    const { images: missing } = await engine.footprint([image]);
    assert.deepEqual(missing[0]?.missing, image.blobs);
    assert.equal(await fetchFrom(engine, image), image.manifest);
    assert.deepEqual(await find(engine, image.manifest), {
      id: image.manifest,
      artifact: true,
      names: [image.name],
      digests: [byDigest(image.name, image.digest)],
      size: 3,
    });
    assert.equal(await engine.has(image.manifest), true);
    assert.equal(await engine.freed(new Set([image.manifest])), 3);
  },

  'what is there is not fetched again, also without a registry': async (engine, tested) => {
    const image = push(tested, 'model:1', { a: 'one' });
    const { requests } = tested.machine.registry;
    const before = requests.length;
    await fetchFrom(engine, image);
    await engine.tag(image.manifest, image.name);
    assert.equal(requests.length, before);
  },

  'an index stands for the artifact of the platform': async (engine, tested) => {
    const image = push(tested, 'indexed:1', { a: 'indexed' }, true);
    assert.notEqual(image.digest, image.manifest);
    await fetchFrom(engine, image);
    const found = await find(engine, image.manifest);
    assert.deepEqual(found?.digests, [byDigest(image.name, image.digest)]);
  },

  'a name that means another artifact moves only when it is asked to': async (engine, tested) => {
    const old = push(tested, 'moving:1', { a: 'old' });
    await fetchFrom(engine, old);
    const image = push(tested, 'moving:1', { a: 'new' });
    await fetchFrom(engine, image);
    assert.deepEqual((await find(engine, old.manifest))?.names, [old.name]);
    assert.deepEqual((await find(engine, image.manifest))?.names, []);
    await engine.tag(image.manifest, image.name);
    assert.deepEqual((await find(engine, old.manifest))?.names, []);
    assert.deepEqual((await find(engine, image.manifest))?.names, [image.name]);
  },

  'a name that means another artifact in the registry is not given': async (engine, tested) => {
    const image = push(tested, 'locked:1', { a: 'locked' });
    push(tested, 'locked:1', { a: 'later' });
    const isRefused = (error: unknown) =>
      error instanceof EngineError && error.code === 'artifact-name';
    await assert.rejects(fetchFrom(engine, image), isRefused);
    assert.deepEqual((await find(engine, image.manifest))?.names, [], 'and it is nobody’s');
    assert.ok(!(await engine.images()).some(({ names }) => names.includes(image.name)));
  },

  'an artifact that is not in the registry is not found': async (engine, tested) => {
    const image = push(tested, 'gone:1', { a: 'gone' });
    const name = `${tested.machine.registry.host}/never:1`;
    await assert.rejects(fetchFrom(engine, { ...image, name }), { code: 'not-found' });
  },

  'a removed artifact is gone under all its names': async (engine, tested) => {
    const image = push(tested, 'model:1', { a: 'one' });
    assert.equal(await engine.remove(image.manifest), true);
    assert.equal(await find(engine, image.manifest), undefined);
  },

  'no prune of podman removes an artifact': async (engine, tested) => {
    const image = push(tested, 'pruned:1', { a: 'pruned' });
    await fetchFrom(engine, image);
    const prunes = tested.commands.filter(({ row }) => /^podman (?:image|system) prune/.test(row));
    assert.ok(prunes.length > 5);
    const { name, manifest: id } = image;
    const targets = { name, id, pin: '', second: name, secondId: id, other: id, otherName: name };
    for (const command of prunes) assert.ok(await command.run(targets), command.row);
    assert.equal(await engine.has(image.manifest), true);
  },
};

/**
 * Makes a container that mounts an artifact, and starts it. Its image has no program, so it never runs.
 *
 * @returns podman's words on the failure.
 */
async function startWith({ machine }: TestedEngine, image: string, artifact: string) {
  const api = new PodmanApi(machine.environment['CONTAINER_HOST']?.replace('unix://', '') ?? '');
  const body = {
    image,
    command: ['/none'],
    netns: { nsmode: 'none' },
    artifact_volumes: [{ source: artifact, destination: '/data' }],
  };
  try {
    const call = { method: 'POST', path: '/containers/create', body } as const;
    const { Id } = await api.json(looseObject({ Id: string() }), call);
    const { body: words } = await api.send({ method: 'POST', path: `/containers/${Id}/start` });
    await api.status({ method: 'DELETE', path: `/containers/${Id}` }, 200);
    return words.toString();
  } finally {
    api.close();
  }
}

/** Stages a root whose artifact has this tag. */
async function stage(tested: TestedEngine, id: string, tag: string, ...words: string[]) {
  const seed = Number(tag);
  tested.machine.registry.push(`app:${tag}`, buildImage({ layers: [{ bytes: 1000, seed }] }));
  const root = writeRoot(join(tested.machine.directory, `${id}-${tag}`), units(tested, tag));
  return berth(tested, 'stage', root, '--id', id, '--bind', 'all', ...words);
}

const stages: Readonly<Record<string, (tested: TestedEngine) => Promise<void>>> = {
  'a root is ready with its artifact, and not without it': async (tested) => {
    const { registry } = tested.machine;
    const data = push(tested, 'data:1', { model: 'weights' });
    const staged = await stage(tested, 'one', '1');
    assert.equal(staged.code, 0, staged.stderr);
    assert.equal((await berth(tested, 'verify', 'one')).code, 0);
    const before = registry.requests.length;
    assert.equal((await stage(tested, 'one', '1')).code, 0);
    const later = registry.requests.slice(before).filter(({ path }) => path.includes('/blobs/'));
    assert.deepEqual(later, [], 'all is here');
    const root = join(tested.machine.directory, 'one-1');
    const why = await tested.machine.berth('why', data.name, root, '--engine', tested.option);
    assert.match(why.stdout, /an artifact, for which podman has no pins/, why.stderr);
    const asked = registry.requests.length;
    const start = () => startWith(tested, `${registry.host}/app:1`, data.name);
    assert.match(await start(), /executable|no such file/, 'podman mounts the artifact');

    await withEngine(tested, (engine) => engine.remove(data.manifest));
    assert.match(await start(), /artifact does not exist/);
    assert.equal(registry.requests.length, asked, 'podman asks no registry');
    const found = await berth(tested, 'verify', 'one');
    assert.equal(found.code, 3);
    assert.deepEqual(codesIn(found.json), ['image-missing']);
    assert.equal((await stage(tested, 'one', '1')).code, 0);
    assert.equal((await berth(tested, 'verify', 'one')).code, 0);
  },

  'a download alone brings the artifact, too': async (tested) => {
    const data = push(tested, 'data:2', { model: 'more weights' });
    const staged = await stage(tested, 'two', '2', '--download-only');
    assert.equal(staged.code, 0, staged.stderr);
    await withEngine(tested, async (engine) => assert.ok(await engine.has(data.manifest)));
    const waits = await berth(tested, 'verify', 'two');
    assert.deepEqual(codesIn(waits.json), ['not-unpacked']);
    const { requests } = tested.machine.registry;
    const before = requests.length;
    assert.equal((await stage(tested, 'two', '2')).code, 0);
    assert.equal(requests.length, before, 'all is here');
    assert.equal((await berth(tested, 'verify', 'two')).code, 0);
  },

  'a tag that another root uses for another artifact keeps the root from being ready': async (
    tested,
  ) => {
    const old = await withEngine(tested, (engine) => engine.images());
    push(tested, 'data:1', { model: 'new weights' });
    const staged = await stage(tested, 'three', '1');
    assert.equal(staged.code, 3, staged.stderr);
    assert.match(JSON.stringify(staged.json), /"artifact"[^}]*give each version/);
    assert.equal((await berth(tested, 'verify', 'one')).code, 0, 'the other root is untouched');
    assert.equal(old.filter(({ artifact }) => artifact).length > 0, true);
    assert.equal((await berth(tested, 'release', 'three')).code, 0);
  },

  'an artifact that no root needs any more is pruned': async (tested) => {
    const names = async () =>
      (await withEngine(tested, (engine) => engine.images())).flatMap((image) => image.names);
    const { host } = tested.machine.registry;
    assert.equal((await berth(tested, 'release', 'two')).code, 0);
    assert.ok((await names()).includes(`${host}/data:2`), 'a release removes nothing');
    const pruned = await tested.machine.berth('prune', '--engine', tested.option, '--force');
    assert.equal(pruned.code, 0, pruned.stderr);
    assert.ok(!(await names()).includes(`${host}/data:2`));
    assert.ok((await names()).includes(`${host}/data:1`));
    assert.equal((await berth(tested, 'verify', 'one')).code, 0);
  },

  'an artifact that somebody else brought is left': async (tested) => {
    const data = push(tested, 'data:5', { model: 'of somebody else' });
    await withEngine(tested, (engine) => fetchFrom(engine, data));
    assert.equal((await stage(tested, 'five', '5')).code, 0);
    assert.equal((await berth(tested, 'release', 'five')).code, 0);
    await tested.machine.berth('prune', '--engine', tested.option, '--force');
    await withEngine(tested, async (engine) => assert.ok(await engine.has(data.manifest)));
  },
};
