import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { dockerFailures } from '../../../../src/engine/docker/api/failure.ts';
import { giveName } from '../../../../src/engine/docker/images/names.ts';
import { HttpApi } from '../../../../src/engine/http/api.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

const NAME = 'registry.example.com/app:1';
const IMAGE = `sha256:${'0'.repeat(64)}`;

/** What docker says of two that move one name at once: the name was there, and then it was not. */
const GONE = `creating image ${NAME} failed because it already exists, but accessing it also failed: No such image: ${NAME}`;
const BACK = `failed to create an image ${NAME} with target ${IMAGE} after deleting the existing one: image "${NAME}": already exists`;

/** A docker that gives these replies, one after the other. */
async function dockerSaying(
  t: TestContext,
  replies: readonly (readonly [status: number, message: string])[],
): Promise<HttpApi> {
  const left = replies.values();
  const server = createServer((_, response) => {
    const [status, message] = left.next().value ?? [500, 'asked too often'];
    response.writeHead(status).end(JSON.stringify({ message }));
  });
  const socket = join(temporaryDirectory(t), 'docker.sock');
  server.listen(socket);
  await once(server, 'listening');
  const api = new HttpApi(socket, dockerFailures);
  t.after(() => {
    api.close();
    server.close();
  });
  return api;
}

test('a name that another moves at the same time is moved all the same', async (t) => {
  for (const version of [404, 500]) {
    const api = await dockerSaying(t, [
      [version, GONE],
      [500, BACK],
      [201, ''],
    ]);
    assert.equal(await giveName(api, IMAGE, NAME), true);
  }
});

test('an image that is not there gets no name', async (t) => {
  const api = await dockerSaying(t, [[404, `No such image: ${IMAGE}`]]);
  assert.equal(await giveName(api, IMAGE, NAME), false);
});
