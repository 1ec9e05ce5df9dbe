import assert from 'node:assert/strict';
import test from 'node:test';
import { answer, startFakePodman } from '../fake-podman.ts';

/** A container as podman 4.3.1 and 5.4.2 describe it. */
const inspected = (id: string, more: object, healthcheck?: object, health?: object) => ({
  Id: id,
  Name: id,
  Image: 'a'.repeat(64),
  ImageName: 'registry.example.com/web:1',
  Config: {
    CreateCommand: ['/usr/bin/podman', 'run', 'web'],
    Labels: { PODMAN_SYSTEMD_UNIT: 'web.service', 'io.containers.autoupdate': 'registry' },
    Healthcheck: healthcheck,
  },
  State: { Health: health },
  IsService: false,
  ...more,
});

test('the containers of services, without those that only hold others together', async (t) => {
  const starting = { Status: 'starting', Log: null };
  const log = [{ Output: 'first' }, { Output: 'last' }];
  const details = new Map<string, object>([
    ['plain', inspected('plain', {}, undefined, { Status: '', Log: null })],
    ['service', inspected('service', { IsService: true })],
    ['never', inspected('never', {}, { Test: ['CMD', 'true'] }, starting)],
    [
      'checked',
      inspected(
        'checked',
        {},
        { Interval: 30e9, StartPeriod: 5e9 },
        { Status: 'unhealthy', Log: log },
      ),
    ],
  ]);
  const { engine } = await startFakePodman(t, (call, response) => {
    const [, id] = /^GET \/containers\/(\w+)\/json$/.exec(call) ?? [];
    if (id !== undefined) {
      const found = details.get(id);
      answer(response, found === undefined ? 404 : 200, found ?? { message: 'no such container' });
      return;
    }
    const entry = (Id: string) => ({ Id, Created: '', ImageID: '', State: 'running' });
    const listed = [...details.keys(), 'gone'].map(entry);
    answer(response, 200, [...listed, { ...entry('infra'), IsInfra: true }]);
  });
  const found = (await engine.containers?.()) ?? [];
  assert.deepEqual(
    found.map(({ id, health }) => [id, health]),
    [
      ['plain', undefined],
      // Nobody runs the health check.
      ['never', undefined],
      ['checked', { status: 'unhealthy', output: 'last', startPeriod: 5 }],
    ],
  );
  const [{ unit, policy, imageId } = { unit: '', policy: '', imageId: '' }] = found;
  assert.deepEqual([unit, policy], ['web.service', 'registry']);
  assert.equal(imageId, `sha256:${'a'.repeat(64)}`);
});
