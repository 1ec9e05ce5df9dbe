import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceContainer } from '../../../src/engine/containers.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { bringUp } from '../../../src/lifecycle/apply/watch.ts';
import type { Service, ServiceManager } from '../../../src/systemctl/services.ts';
import { serviceNamed } from './service.ts';

type Look = Omit<Partial<Service>, 'command'> &
  Pick<Partial<ServiceContainer>, 'command' | 'health'>;

/** Brings a service up that is seen so, one look after the other; what comes of it. */
async function broughtUp(...looks: readonly Look[]): Promise<string | undefined> {
  const waiting = [...looks];
  let { command = [], health, ...more }: Look = {};
  const container: ServiceContainer = {
    id: 'c',
    name: 'web',
    unit: 'web.service',
    image: 'web:1',
    imageId: 'A',
    command,
    policy: '',
  };
  const manager: ServiceManager = {
    scopes: new Set(['system']),
    all: async () => new Map(),
    one: async (unit) => {
      const look = waiting.shift();
      assert.ok(look !== undefined, 'it is known by now');
      ({ command = [], health, ...more } = look);
      return serviceNamed(unit, more);
    },
    reload: async () => undefined,
    restart: async () => undefined,
  };
  const containers: Engine['containers'] = async () => [
    { ...container, command, ...(health === undefined ? {} : { health }) },
  ];
  const { signal } = new AbortController();
  const failure = await bringUp({ containers }, manager, 'web.service', { seconds: 0 }, signal);
  assert.deepEqual(waiting, [], 'it was looked at until then');
  return failure;
}

const health = (status: string, output = '') => ({ status, output, startPeriod: 0 });

test('a service is up by its own word, or else by its health check', async () => {
  const command = ['podman', 'run', '--sdnotify=container', 'web:1'];
  assert.equal(await broughtUp({}, { command, health: health('starting') }), undefined);
  const starting = { health: health('starting') };
  assert.equal(await broughtUp({}, starting, { health: health('healthy') }), undefined);
  const sick = { health: health('unhealthy', 'no route to db\n') };
  const failure = 'its container web is unhealthy: no route to db';
  assert.equal(await broughtUp({}, starting, sick), failure);
});

test('a service that does not stay up is not up', async () => {
  const ended = await broughtUp({}, { state: 'failed' });
  assert.equal(ended, 'it did not stay up: it is failed');
  const again = await broughtUp({}, { invocation: '2' });
  assert.equal(again, 'it did not stay up: it was started once more');
});

test('a service that is told to read its configuration anew has not gone down', async () => {
  assert.equal(await broughtUp({}, { state: 'reloading' }), undefined);
});

test('a job that is done is up', async () => {
  assert.equal(await broughtUp({}, { type: 'oneshot', state: 'inactive' }), undefined);
});
