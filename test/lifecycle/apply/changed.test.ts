import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceContainer } from '../../../src/engine/engine.ts';
import { isChanged, meaningsByUnit, type Running } from '../../../src/lifecycle/apply/changed.ts';
import { serviceNamed } from './service.ts';

const unit = 'web.service';

const container = (more: Partial<ServiceContainer> = {}): ServiceContainer => ({
  id: 'c',
  name: 'web',
  unit,
  image: 'web:1',
  imageId: 'A',
  command: [],
  policy: '',
  health: '',
  ...more,
});

/** A service that runs what its unit says, but for what is said here. */
const changed = (more: Partial<Running>) =>
  isChanged({
    service: serviceNamed(unit),
    containers: [container()],
    wanted: new Map([['web:1', 'A']]),
    before: new Map([['web:1', 'A']]),
    ...more,
  });

test('another image, by whatever way', () => {
  assert.equal(changed({}), false);
  assert.equal(changed({ wanted: new Map([['web:1', 'B']]) }), true);
  // The record says so already, and the service was not restarted.
  const both = new Map([['web:1', 'B']]);
  assert.equal(changed({ wanted: both, before: both }), true);
  assert.equal(changed({ wanted: new Map([['web:2', 'A']]) }), true, 'another name');
  // An image that berth does not bind is none of its business.
  const other = [container(), container({ image: 'other:1', imageId: 'X' })];
  assert.equal(changed({ containers: other }), false);
});

test('an image that is mounted, and no container runs', () => {
  const mounted = (id: string) =>
    new Map([
      ['web:1', 'A'],
      ['data:1', id],
    ]);
  assert.equal(changed({ wanted: mounted('D'), before: mounted('D') }), false);
  assert.equal(changed({ wanted: mounted('E'), before: mounted('D') }), true);
});

test('another unit, as far as that can be told', () => {
  const loaded = (command: string) => serviceNamed(unit, { command });
  const containers = [container({ command: ['/usr/bin/podman', 'run', '-e', 'A=b c', 'web:1'] })];
  assert.equal(changed({ service: serviceNamed(unit, { stale: true }) }), true);
  const same = loaded('/usr/bin/podman run -e "A=b c" web:1');
  assert.equal(changed({ service: same, containers }), false);
  const other = loaded('/usr/bin/podman run -e "A=d" web:1');
  assert.equal(changed({ service: other, containers }), true);
  const variable = loaded('/usr/bin/podman run -e ${A} web:1');
  assert.equal(changed({ service: variable, containers }), false);
});

test('what only fetches or makes something is not restarted', () => {
  const reference = (unit: string, path: string) => ({ unit, path });
  const references = [
    reference('web.service', 'usr/share/containers/systemd/web.container'),
    reference('web-image.service', 'usr/share/containers/systemd/web.image'),
    reference('data-volume.service', 'etc/containers/systemd/data.volume'),
  ];
  const byUnit = meaningsByUnit([{ id: 'A', names: [{ name: 'web:1', references }] }]);
  assert.deepEqual([...byUnit.keys()], ['web.service']);
});
