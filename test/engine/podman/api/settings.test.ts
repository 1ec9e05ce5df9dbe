import assert from 'node:assert/strict';
import test from 'node:test';
import { PodmanApi } from '../../../../src/engine/podman/api/api.ts';
import { settingsOf } from '../../../../src/engine/podman/api/settings.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

const info = (freeLocks: number | undefined) => ({
  host: { cgroupManager: 'systemd', freeLocks, security: { rootless: false } },
  store: { graphRoot: '/var/lib/containers/storage' },
  version: { Version: '5.4.2' },
});

test('a reply about podman is used for some seconds, and a failure never', async (t) => {
  let time = 0;
  let replies = 0;
  let fails = true;
  const { socket } = await startFakePodman(t, (_, response) => {
    if (fails) return answer(response, 500, { message: 'not now' });
    return answer(response, 200, info(++replies));
  });
  const api = new PodmanApi(socket);
  t.after(() => api.close());
  const settings = settingsOf(api, () => time);
  const locks = async (of: 'recent' | 'now') => (await settings[of]()).host.freeLocks;
  await assert.rejects(settings.recent(), /not now/);
  fails = false;
  assert.deepEqual(await Promise.all([locks('recent'), locks('recent')]), [1, 1]);
  time += 9_999;
  assert.equal(await locks('recent'), 1);
  assert.equal(await locks('now'), 2);
  time += 9_999;
  assert.equal(await locks('recent'), 2, 'the newest reply counts');
  time += 1;
  assert.equal(await locks('recent'), 3);
});
