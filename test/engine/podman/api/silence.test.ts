import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import test from 'node:test';
import { PodmanApi } from '../../../../src/engine/podman/api/api.ts';
import { Pulls } from '../../../../src/engine/podman/fetch/pull.ts';
import { RegistryError } from '../../../../src/registry/errors.ts';
import { fromRegistry } from '../../../support/source.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

const MINUTE = 60_000;
const digest = (character: string) => `sha256:${character.repeat(64)}`;
const config = { mediaType: 'x', digest: digest('2'), size: 10 };
const image = {
  name: 'quay.io/a/b:1',
  digest: digest('1'),
  manifest: digest('1'),
  config: config.digest,
  platform: 'linux/amd64',
  blobs: [config, { mediaType: 'x', digest: digest('3'), size: 64 * 1024 * 60 * 10 }],
};

test('a podman that falls silent is given up, and its registry for the run', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const pulls: ServerResponse[] = [];
  const said = Promise.withResolvers<void>();
  const { engine } = await startFakePodman(t, (call, response) => {
    if (call !== 'POST /images/pull') return answer(response, 200, []);
    pulls.push(response);
    response.write('{"stream":"Copying blob"}\n', () => said.resolve());
  });
  const heard = Promise.withResolvers<void>();
  const fetching = engine.fetch(image, fromRegistry(), { onBytes: () => heard.resolve() });
  const failed = assert.rejects(fetching, (error) => {
    assert.ok(error instanceof RegistryError, String(error));
    assert.equal(error.code, 'connection-lost');
    assert.match(error.message, /quay\.io\/a\/b@.* no message from it for 40 minutes/);
    assert.match(error.hint, /--download-only/);
    return true;
  });
  await said.promise;
  await heard.promise;
  // Half an hour, and the time for the download at 64 KiB a second.
  t.mock.timers.tick(40 * MINUTE - 1);
  const [pull = assert.fail('no pull')] = pulls;
  assert.equal(pull.destroyed, false);
  const hungUp = once(pull, 'close');
  t.mock.timers.tick(1001);
  await failed;
  await hungUp;
  await assert.rejects(engine.fetch({ ...image, name: 'quay.io/a/c:1' }, fromRegistry()), /a\/b@/);
  assert.equal(pulls.length, 1);
  await t.test('another registry is asked', async () => {
    const other = engine.fetch({ ...image, name: 'elsewhere.example/a:1' }, fromRegistry());
    await assert.rejects(Promise.all([other, endSecond()]), /without saying/);
    assert.equal(pulls.length, 2);
  });
  async function endSecond() {
    while (pulls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    pulls[1]?.end();
  }
});

test('a registry that was silent is asked again by a later run', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let begun = Promise.withResolvers<void>();
  let pulls = 0;
  const { socket } = await startFakePodman(t, (call, response) => {
    if (call !== 'POST /images/pull') return answer(response, 200, []);
    pulls++;
    response.write('{"stream":"Copying blob"}\n');
  });
  const api = new PodmanApi(socket);
  t.after(() => api.close());
  let time = 0;
  const pulled = new Pulls(
    api,
    async () => undefined,
    () => time,
  );
  const fails = async (isAsked: boolean) => {
    begun = Promise.withResolvers();
    const pull = pulled.pull(
      `quay.io/a/b@${digest('1')}`,
      image,
      {},
      { onBytes: () => begun.resolve() },
    );
    const failed = assert.rejects(pull, /no message from it/);
    if (isAsked) {
      await begun.promise;
      t.mock.timers.tick(41 * MINUTE);
    }
    await failed;
  };
  await fails(true);
  time = 10 * MINUTE - 1;
  await fails(false);
  assert.equal(pulls, 1);
  time = 10 * MINUTE;
  await fails(true);
  assert.equal(pulls, 2);
});

test('each word of podman’s begins the time anew', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let pull: ServerResponse | undefined;
  const { engine } = await startFakePodman(t, (call, response) => {
    if (call !== 'POST /images/pull') return answer(response, 200, []);
    pull = response;
    response.write('{"stream":"Copying blob"}\n');
  });
  let heard = Promise.withResolvers<void>();
  const fetching = engine.fetch(image, fromRegistry(), { onBytes: () => heard.resolve() });
  for (let word = 0; word < 3; word++) {
    await heard.promise;
    heard = Promise.withResolvers();
    t.mock.timers.tick(39 * MINUTE);
    pull?.write('{"stream":"more"}\n');
  }
  await heard.promise;
  pull?.end('{"error":"denied"}\n');
  await assert.rejects(fetching, /denied/);
});
