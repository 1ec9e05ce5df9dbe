import assert from 'node:assert/strict';
import test from 'node:test';
import { object, parse, record, string } from 'valibot';
import { pinLabels } from '../../../../src/engine/pins/labels.ts';
import { newPinName } from '../../../../src/engine/pins/pin-name.ts';
import { PodmanApi } from '../../../../src/engine/podman/api/api.ts';
import { mooringsOf } from '../../../../src/engine/podman/parts.ts';
import { listHolds } from '../../../../src/engine/podman/pins/holds.ts';
import { newPodName, podLabels } from '../../../../src/engine/podman/pins/pod-of-pins.ts';
import { openPodman } from '../../../../src/engine/podman/podman.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

const hex = 'a'.repeat(64);
const request = {
  id: `sha256:${hex}`,
  platform: 'linux/amd64',
  names: [],
  fetched: false,
  record: { location: '/', images: 1, problems: 0, staged: '2026-01-01T00:00:00Z' },
};
const madeContainer = object({ name: string(), labels: record(string(), string()) });
const pin = {
  Id: 'b'.repeat(64),
  Created: '2026-01-01T00:00:00Z',
  ImageID: hex,
  State: 'created',
  StartedAt: -62135596800,
  Names: [newPinName('os')],
  PodName: newPodName('os'),
  Labels: pinLabels('os', request),
};

/** Containers as podman's list may show them, and berth's warning about each; none for a pin. */
const listed: readonly (readonly [string, object, RegExp | undefined])[] = [
  ['a pin', {}, undefined],
  ['one of which podman does not say whether it was started', { StartedAt: undefined }, undefined],
  ['one that was started', { State: 'exited', StartedAt: 1767225600 }, /it was started/],
  ['one that runs', { State: 'running', StartedAt: 1767225600 }, /it was started/],
  ['one without a pod', { PodName: '' }, /not in a pod that berth made for os/],
  [
    'one of whose pod podman does not speak',
    { PodName: undefined },
    /not in a pod that berth made for os/,
  ],
  ['one without a name', { Names: null }, /container \(no name\) \(b{12}\)/],
  ['one with two names', { Names: [newPinName('os'), newPinName('os')] }, /\(no name\)/],
  ['one of another image', { ImageID: 'c'.repeat(64) }, /labels are not those that berth writes/],
  ['one without labels', { Labels: null }, /labels are not those that berth writes/],
];

for (const [what, changes, words] of listed) {
  test(`in podman’s list: ${what}`, async (t) => {
    const { socket } = await startFakePodman(t, (_, response) =>
      answer(response, 200, [{ ...pin, ...changes }]),
    );
    const warnings: string[] = [];
    const engine = await openPodman({
      user: false,
      pinKey: `${socket}.key`,
      warn: (message) => warnings.push(message),
      environment: { CONTAINER_HOST: `unix://${socket}` },
    });
    t.after(() => engine.close());
    for (let times = 0; times < 3; times++) {
      assert.equal((await engine.pins()).length, words === undefined ? 1 : 0);
    }
    assert.equal(
      warnings.length,
      words === undefined ? 0 : 1,
      'said once, however often it is seen',
    );
    if (words !== undefined) assert.match(warnings[0] ?? '', words);
  });
}

for (const [what, InfraId, made] of [
  ['none', '', 0],
  ['one', 'd'.repeat(64), 1],
] as const) {
  test(`a pod with ${what} of the containers that hold namespaces`, async (t) => {
    let isPinned = false;
    const pod = { Id: 'p', Name: newPodName('os'), Created: '', Labels: podLabels('os'), InfraId };
    const { engine, calls } = await startFakePodman(t, async (call, response, incoming) => {
      if (call === 'GET /pods/json') answer(response, 200, [pod]);
      else if (call === 'GET /info') {
        const host = { cgroupManager: 'cgroupfs', security: { rootless: false } };
        answer(response, 200, { host, store: { graphRoot: '/' }, version: { Version: '4' } });
      } else if (call === 'POST /pods/create') answer(response, 201, { Id: 'q' });
      else if (call === 'POST /containers/create') {
        const text = (await incoming.setEncoding('utf8').toArray()).join('');
        const { name, labels } = parse(madeContainer, JSON.parse(text));
        Object.assign(sealed, { Names: [name], Labels: labels });
        isPinned = true;
        answer(response, 201, { Id: 'c' });
      } else answer(response, 200, isPinned ? [sealed] : []);
    });
    const sealed = { ...pin };
    await engine.pin('os', [request]);
    assert.equal(calls.filter((call) => call === 'POST /pods/create').length, made);
  });
}

for (const [what, keeper, expected] of [
  ['of an earlier version, which named no keeper', undefined, 1],
  ['of the user’s own berth', 'own', 1],
  ['of root’s berth', 'podman:app', 0],
  ['of a keeper that this berth does not know', 'other', 0],
] as const) {
  test(`the user’s own berth and a pin ${what}`, async (t) => {
    const { 'berth.keeper': _, ...others } = pin.Labels;
    const labels = keeper === undefined ? others : { ...others, 'berth.keeper': keeper };
    const { socket } = await startFakePodman(t, (_call, response) =>
      answer(response, 200, [{ ...pin, Labels: labels }]),
    );
    const warnings: string[] = [];
    const engine = await openPodman({
      id: 'podman:app',
      user: true,
      pinKey: `${socket}.key`,
      warn: (message) => warnings.push(message),
      environment: { CONTAINER_HOST: `unix://${socket}` },
    });
    t.after(() => engine.close());
    const pins = await engine.pins();
    assert.deepEqual(
      pins.map((one) => one.engine),
      Array.from({ length: expected }, () => 'podman:app'),
    );
    assert.deepEqual(warnings, []);
  });
}

for (const [what, keeper, expected] of [
  ['under the same id', 'podman:app', 1],
  ['under another id of the same user', 'podman:1000', 0],
  ['as the user’s own berth does', 'own', 0],
] as const) {
  test(`a pin that root's berth made in a user's podman, seen by a berth that looks ${what}`, async (t) => {
    const labels = pinLabels('os', request, 'podman:app');
    const { socket } = await startFakePodman(t, (_call, response) =>
      answer(response, 200, [{ ...pin, Labels: labels }]),
    );
    const api = new PodmanApi(socket);
    t.after(() => api.close());
    const pinKey = `${socket}.key`;
    const moorings = mooringsOf({ api, engine: 'podman:app', keeper, pinKey, warn: undefined });
    assert.equal((await listHolds(moorings)).holds.length, expected);
  });
}
