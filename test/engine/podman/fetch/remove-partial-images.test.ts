import assert from 'node:assert/strict';
import test from 'node:test';
import { OTHERS } from '../../../../src/engine/http/limits.ts';
import { PodmanApi } from '../../../../src/engine/podman/api/api.ts';
import { removePartialImages } from '../../../../src/engine/podman/fetch/remove-partial-images.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

const images = Array.from({ length: 1000 }, (_, i) => ({
  Id: i.toString(16).padStart(64, '0'),
  Size: 1,
}));

for (const { what, seconds, most } of [
  { what: 'many partial images', seconds: 0, most: 64 },
  { what: 'many partial images, and answers slowly', seconds: 20, most: 1 },
]) {
  test(`a user's podman that claims ${what} does not hold berth up`, async (t) => {
    let time = 0;
    t.mock.method(performance, 'now', () => time);
    const { socket, calls } = await startFakePodman(t, (call, response) => {
      time += seconds * 1000;
      if (call.startsWith('DELETE')) return answer(response, 200, {});
      return answer(response, 200, call === 'GET /images/json' ? images : []);
    });
    const api = new PodmanApi(socket, { shown: 'the podman of app', limits: OTHERS });
    t.after(() => api.close());
    await removePartialImages(api, 'sha256:a');
    const removed = calls.filter((call) => call.startsWith('DELETE'));
    assert.equal(removed.length, most);
  });
}
