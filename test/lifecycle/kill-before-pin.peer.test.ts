import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { container, main, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman } from '../support/podman.ts';
import { type PodmanLab, startPodmanLab } from '../support/podman-lab.ts';

const NAME = 'registry.example.com/web:1';

/** Stages a root by a socket that leads to podman, and kills the stage as it asks for its first pin. */
async function stageUntilPin(t: TestContext, lab: PodmanLab, root: string): Promise<void> {
  const path = join(lab.directory, 'between.sock');
  const server = createServer();
  await once(server.listen(path), 'listening');
  t.after(() => server.close());
  const child = spawn(
    process.execPath,
    [main, 'stage', '--engine', 'podman', '--bind', 'all', '--id', 'os', root],
    { env: { ...lab.environment, CONTAINER_HOST: `unix://${path}` }, stdio: 'ignore' },
  );
  server.on('connection', (socket) => {
    const podman = connect(lab.engine.socket);
    const close = () => [socket, podman].map((one) => one.destroy());
    for (const end of [socket, podman]) end.on('error', close).on('close', close);
    socket.on('data', (bytes) => {
      if (isPin(bytes)) child.kill('SIGKILL');
      else podman.write(bytes);
    });
    podman.pipe(socket);
  });
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGKILL');
}

/** Whether a request makes the pod, or the container, of a pin. */
function isPin(request: Buffer): boolean {
  return /^POST \S*\/(?:pods|containers)\/create/m.test(request.toString('latin1'));
}

/** The images and the pins in podman. */
async function left({ engine }: PodmanLab): Promise<readonly (readonly string[])[]> {
  const lines = async (...words: string[]) =>
    (await engine.podman(...words)).split('\n').filter((line) => line !== '');
  return [await lines('images', '-aq'), await lines('ps', '-aq')];
}

async function killed(t: TestContext) {
  const lab = await startPodmanLab(t);
  lab.registry.push('web:1', buildImage({ layers: [{ bytes: 20_000, seed: 1 }] }));
  const root = writeRoot(join(lab.directory, 'os'), container('web', NAME));
  await stageUntilPin(t, lab, root);
  const [images = [], pins = []] = await left(lab);
  assert.deepEqual(
    [images.length, pins.length],
    [1, 0],
    'podman has the image, and nothing tells whose it is',
  );
  const stage = async () => {
    const { code, stderr } = await lab.run('stage', '--bind', 'all', '--id', 'os', root);
    assert.equal(code, 0, stderr);
  };
  const clear = async () => {
    assert.equal((await lab.run('release', 'os')).code, 0);
    assert.equal((await lab.run('prune', '--force')).code, 0);
  };
  return { lab, stage, clear, image: images[0] ?? '' };
}

test('killed between podman’s pull and the pin, berth knows that it brought the image', {
  skip: skipPodman,
}, async (t) => {
  const { lab, stage, clear } = await killed(t);
  await stage();
  await clear();
  assert.deepEqual(await left(lab), [[], []]);
});

test('killed there, a release and a prune remove the image', { skip: skipPodman }, async (t) => {
  const { lab, clear } = await killed(t);
  await clear();
  assert.deepEqual(await left(lab), [[], []]);
});

test('killed there, an image that somebody has named since stays theirs', {
  skip: skipPodman,
}, async (t) => {
  const { lab, stage, clear, image } = await killed(t);
  await lab.engine.podman('tag', image, 'localhost/mine:1');
  await stage();
  await clear();
  assert.deepEqual(await left(lab), [[image], []]);
});
