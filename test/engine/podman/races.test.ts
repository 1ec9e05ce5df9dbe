import assert from 'node:assert/strict';
import test from 'node:test';
import { object, parse, string, unknown } from 'valibot';
import { EngineError } from '../../../src/engine/errors.ts';
import { newPodName, podLabels } from '../../../src/engine/podman/pins/pod-of-pins.ts';
import { answer, startFakePodman } from './fake-podman.ts';

const hex = 'a'.repeat(64);
const madeContainer = object({ name: string(), labels: unknown() });
const request = {
  id: `sha256:${hex}`,
  platform: 'linux/amd64',
  names: [],
  fetched: true,
  record: { location: '/', images: 1, problems: 0, staged: '2026-01-01T00:00:00Z' },
};

test('pins that somebody removes again and again are an error, not a loop', async (t) => {
  const { engine, calls } = await startFakePodman(t, (call, response) => {
    if (call === 'GET /pods/json')
      answer(response, 200, [
        { Id: 'p', Name: newPodName('os'), Created: '', Labels: podLabels('os') },
      ]);
    else if (call.startsWith('GET')) answer(response, 200, []);
    else answer(response, 201, { Id: 'c' });
  });
  await assert.rejects(
    engine.pin('os', [request]),
    (error) => error instanceof EngineError && error.code === 'engine-failed',
  );
  assert.ok(calls.length < 50);
});

test('a pod that goes while its pin is made is made again', async (t) => {
  let pod = 0;
  let made: { name: string; labels: unknown } | undefined;
  const { engine, calls } = await startFakePodman(t, async (call, response, incoming) => {
    if (call === 'GET /pods/json') answer(response, 200, []);
    else if (call === 'POST /pods/create') answer(response, 201, { Id: `pod${++pod}` });
    else if (call === 'GET /info') {
      const host = { cgroupManager: 'systemd', security: { rootless: true } };
      answer(response, 200, { host, store: { graphRoot: '/' }, version: { Version: '4' } });
    } else if (call === 'GET /containers/json') {
      const { name: Names, labels: Labels } = made ?? {};
      const container = { Id: 'c', Created: '', ImageID: hex, State: 'created', Labels };
      const PodName = newPodName('os');
      answer(response, 200, made === undefined ? [] : [{ ...container, Names: [Names], PodName }]);
    } else if (pod === 1)
      answer(response, 500, { message: 'no pod with ID pod1 found: no such pod' });
    else {
      incoming.setEncoding('utf8');
      made = parse(madeContainer, JSON.parse((await incoming.toArray()).join('')));
      answer(response, 201, { Id: 'c' });
    }
  });
  await engine.pin('os', [request]);
  assert.deepEqual(calls.filter((call) => call === 'POST /pods/create').length, 2);
  assert.deepEqual(calls.filter((call) => call === 'GET /info').length, 1);
});

test('an image that comes into use while it is removed keeps its tags', async (t) => {
  const names = ['quay.io/a:1', 'quay.io/a:2', `quay.io/a@sha256:${hex}`];
  const tags = new Set(names);
  const { engine, calls } = await startFakePodman(t, (call, response, incoming) => {
    const query = new URL(incoming.url ?? '', 'http://podman').searchParams;
    const name = `${query.get('repo')}:${query.get('tag')}`;
    if (call === 'GET /containers/json') answer(response, 200, []);
    else if (call === 'GET /images/json')
      answer(response, 200, [{ Id: hex, Names: [...tags], Size: 1 }]);
    else if (call.startsWith('GET')) {
      const asked = decodeURIComponent(call.slice('GET /images/'.length, -'/exists'.length));
      response.writeHead(tags.has(asked) ? 204 : 404).end();
    } else if (call.startsWith('DELETE'))
      answer(response, 409, { message: 'image is in use by a container' });
    else {
      if (call.endsWith('/untag')) tags.delete(name);
      else tags.add(name);
      response.writeHead(201).end();
    }
  });
  assert.equal(await engine.remove(request.id), false);
  assert.deepEqual(tags, new Set(names.toReversed()));
  assert.ok(
    calls.some((call) => call.startsWith('DELETE')),
    'it was tried',
  );
  assert.ok(!calls.some((call) => call.includes('force')));
});
