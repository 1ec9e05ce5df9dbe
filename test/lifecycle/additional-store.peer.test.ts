import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { preparePodman, skipPodman, startPodman, type TestPodman } from '../support/podman.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const host = 'registry.example.com';
const name = `${host}/app:1`;

/** A store that somebody else fills, as bootc does its own, with one image of this name. */
async function otherStore(t: TestContext): Promise<{ path: string; podman: TestPodman }> {
  const directory = temporaryDirectory(t);
  const podman = preparePodman(directory);
  t.after(() => void spawnSync('umount', ['--quiet', '--lazy', join(directory, 'root/overlay')]));
  const tar = join(directory, 'app.tar');
  writeFileSync(join(directory, 'x'), 'content');
  execFileSync('tar', ['-C', directory, '-cf', tar, 'x']);
  await podman.podman('import', '-q', tar, name);
  return { path: join(directory, 'root'), podman };
}

async function startLab(t: TestContext, ...words: string[]) {
  const machine = await startMachine(t);
  const engine = await startPodman(t, { environment: machine.environment, words });
  machine.environment['CONTAINER_HOST'] = `unix://${engine.socket}`;
  machine.registry.push('app:1', buildImage({ layers: [{ bytes: 10_000, seed: 1 }] }));
  const run = (command: string, ...words: string[]) =>
    machine.berth(command, '--engine', 'podman', ...words);
  const stage = (root: string) => run('stage', '--bind', 'all', '--id', 'os', root);
  const asked = () => machine.registry.requests.filter(({ path }) => path.includes('/app/')).length;
  return { machine, engine, run, stage, asked };
}

const global = (path: string) => `GlobalArgs=--storage-opt=additionalimagestore=${path}\n`;

test('what lies in a store that the unit names is there, and is looked at', {
  skip: skipPodman,
}, async (t) => {
  const { path, podman } = await otherStore(t);
  const { machine, engine, run, stage, asked } = await startLab(t);
  const root = writeRoot(join(machine.directory, 'os'), container('app', name, global(path)));
  const oracle = (...words: string[]) => engine.tryPodman(...words, 'image', 'exists', name);
  assert.equal((await oracle(`--storage-opt=additionalimagestore=${path}`)).code, 0);
  assert.equal((await oracle()).code, 1, 'for no other');
  const staged = await stage(root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.equal(asked(), 0, 'nothing is fetched twice');
  assert.match(
    (await run('plan', '--bind', 'all', '--id', 'os', root)).stdout,
    /present .*not berth's/,
  );
  assert.equal((await run('verify', 'os')).code, 0);
  assert.match((await run('status')).stdout, /provided/);
  assert.equal((await oracle()).code, 1, 'and is not in the engine');
  await podman.podman('rmi', name);
  const gone = await run('verify', 'os');
  assert.equal(gone.code, 3);
  assert.match(gone.stderr, /app:1 is not in .* any more/);
  assert.equal((await stage(root)).code, 0);
  assert.equal((await oracle()).code, 0, 'then the engine has to have it');
});

test('a reference that names no store has it fetched, once for all', {
  skip: skipPodman,
}, async (t) => {
  const { path } = await otherStore(t);
  const { machine, engine, stage } = await startLab(t);
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('app', name, global(path)),
    ...container('plain', name),
  });
  assert.equal((await stage(root)).code, 0);
  assert.equal((await engine.tryPodman('image', 'exists', name)).code, 0);
});

test('a store of the running system alone counts for no root', { skip: skipPodman }, async (t) => {
  const { path } = await otherStore(t);
  const { machine, engine, run, stage } = await startLab(
    t,
    `--storage-opt=additionalimagestore=${path}`,
  );
  assert.equal(
    (await engine.tryPodman('image', 'exists', name)).code,
    0,
    'the running one sees it',
  );
  const root = writeRoot(join(machine.directory, 'os'), container('app', name));
  const staged = await stage(root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.equal((await run('verify', 'os')).code, 0);
  const { CONTAINER_HOST: _, ...environment } = engine.environment;
  const other = preparePodman(engine.directory, { environment });
  assert.equal(
    (await other.tryPodman('image', 'exists', name)).code,
    0,
    'it is in podman’s own store',
  );
});

test('storage.conf of the root names a store for all its units', {
  skip: skipPodman,
}, async (t) => {
  const { path } = await otherStore(t);
  const { machine, run, stage, asked } = await startLab(t);
  const conf = (text: string) => ({ 'etc/containers/storage.conf': `[storage]\n${text}\n` });
  const root = writeRoot(join(machine.directory, 'os'), {
    ...container('app', name),
    ...conf(`driver = "overlay"\n[storage.options]\nadditionalimagestores = ["${path}"]`),
  });
  assert.equal((await stage(root)).code, 0);
  assert.equal(asked(), 0);
  const other = writeRoot(join(machine.directory, 'other'), {
    ...container('app', name),
    ...conf('driver = "overlay"\ngraphroot = "/elsewhere"'),
  });
  const differs = await run('stage', '--bind', 'all', '--id', 'other', other);
  assert.equal(differs.code, 3);
  assert.match(differs.stderr, /storage-differs .*etc\/containers\/storage\.conf/);
});
