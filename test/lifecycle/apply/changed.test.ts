import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceContainer } from '../../../src/engine/containers.ts';
import {
  isChanged,
  isRunning,
  meaningsByUnit,
  type Running,
  withInstances,
  withoutAliases,
  withPods,
} from '../../../src/lifecycle/apply/changed.ts';
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
  ...more,
});

/** A service that runs what its unit says, but for what is said here. */
const changed = (more: Partial<Running>) =>
  isChanged({
    service: serviceNamed(unit),
    containers: [container()],
    pods: [],
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

test('another pod, as far as that can be told', () => {
  const pods = [{ unit, command: ['/usr/bin/podman', 'pod', 'create', '--label', 'a=b c'] }];
  const prepared = (...preparations: string[]) => serviceNamed(unit, { preparations });
  const same = '/usr/bin/podman pod create --label "a=b c"';
  assert.equal(changed({ service: prepared('/usr/bin/podman info', same), pods }), false);
  const other = '/usr/bin/podman pod create --label a=b';
  assert.equal(changed({ service: prepared('/usr/bin/podman info', other), pods }), true);
  assert.equal(changed({ service: prepared(other), pods: [] }), false, 'no pod is there');
  assert.equal(changed({ service: prepared('/usr/bin/mkdir x'), pods }), false);
  assert.equal(changed({ service: prepared('/usr/bin/podman pod create $A'), pods }), false);
});

test('a script that runs podman, and a job that is under way, are left alone', () => {
  const containers = [container({ command: ['/usr/bin/podman', 'run', 'web:1'] })];
  const script = serviceNamed(unit, { command: '/usr/libexec/web --fast' });
  assert.equal(changed({ service: script, containers }), false);
  const job = { type: 'oneshot', state: 'activating' };
  assert.equal(isRunning(serviceNamed(unit, job)), false);
  assert.equal(isRunning(serviceNamed(unit, { ...job, state: 'active' })), true);
});

const system = new Set(['system']);

/** An image with one name, as units use it. */
const named = (...references: { unit: string; path: string; scope?: string }[]) => [
  {
    id: 'A',
    names: [{ name: 'web:1', references: references.map((one) => ({ raw: 'web:1', ...one })) }],
  },
];

const inUnits = (file: string) => `etc/containers/systemd/${file}`;

test('a service that only fetches or makes something is not restarted', () => {
  const images = named(
    { unit: 'web.service', path: inUnits('web.container') },
    { unit: 'web-image.service', path: inUnits('web.image') },
    { unit: 'data-volume.service', path: inUnits('data.volume') },
  );
  assert.deepEqual([...meaningsByUnit(images, system).keys()], ['web.service']);
});

test('units of users are those of other managers', () => {
  const images = named(
    { unit: 'web.service', path: inUnits('web.container') },
    { unit: 'any.service', path: inUnits('users/any.container'), scope: 'user' },
    {
      unit: 'one.service',
      path: inUnits('users/1000/one.container'),
      scope: 'user:1000',
    },
    {
      unit: 'two.service',
      path: inUnits('users/1001/two.container'),
      scope: 'user:1001',
    },
  );
  assert.deepEqual([...meaningsByUnit(images, system).keys()], ['web.service']);
  const user = meaningsByUnit(images, new Set(['user', 'user:1000']));
  assert.deepEqual([...user.keys()], ['any.service', 'one.service']);
});

test('a template stands for its instances that have no file of their own', () => {
  const of = (name: string) => new Map([[name, 'A']]);
  const meanings = new Map([
    ['web@.service', of('web:1')],
    ['web@b.service', of('web:b')],
    ['web.service', of('web:0')],
  ]);
  const loaded = ['web@a.service', 'web@b.service', 'web.service', 'other@a.service'];
  assert.deepEqual(Object.fromEntries(withInstances(meanings, loaded)), {
    'web@a.service': of('web:1'),
    'web@b.service': of('web:b'),
    'web.service': of('web:0'),
  });
});

test('a unit is known by its aliases, too', () => {
  const of = (name: string) => new Map([[name, 'A']]);
  const meanings = new Map([
    ['web.service', of('web:1')],
    ['www.service', of('www:1')],
    ['gone.service', of('gone:1')],
  ]);
  const names = ['web.service', 'www.service'];
  const services = new Map([['web.service', serviceNamed('web.service', { names })]]);
  assert.deepEqual(
    [...withoutAliases(meanings, services)].map(([one, all]) => [one, [...all]]),
    [
      [
        'web.service',
        [
          ['web:1', 'A'],
          ['www:1', 'A'],
        ],
      ],
      ['gone.service', [['gone:1', 'A']]],
    ],
  );
});

test('the service of a pod is judged with those whose pod it makes', () => {
  const of = (name: string) => new Map([[name, 'A']]);
  const meanings = new Map([['web.service', of('web:1')]]);
  const makes = '/usr/bin/podman --log-level=error pod create --name a';
  const services = new Map(
    [
      serviceNamed('web.service', { after: ['a-pod.service', 'db.service', 'basic.target'] }),
      serviceNamed('a-pod.service', { preparations: ['/usr/bin/true', makes] }),
      serviceNamed('b-pod.service', { preparations: [makes] }),
      serviceNamed('db.service', { preparations: ['/usr/bin/podman pod rm a'] }),
    ].map((one) => [one.unit, one]),
  );
  const all = withPods(meanings, services);
  assert.deepEqual([...all.keys()], ['web.service', 'a-pod.service']);
  assert.deepEqual([...(all.get('a-pod.service') ?? ['no'])], []);
});

test('an image that does not depend on the instance counts for other instances as well', () => {
  const of = (raw: string) => [{ raw, unit: 'many@a.service', path: '/many@.container' }];
  const images = [
    { id: 'x', names: [{ name: 'q.io/many:1', references: of('q.io/many:1') }] },
    { id: 'y', names: [{ name: 'q.io/own:a', references: of('q.io/own:%i') }] },
  ];
  const loaded = ['many@a.service', 'many@b.service'];
  const all = withInstances(meaningsByUnit(images, new Set(['system'])), loaded);
  assert.deepEqual([...(all.get('many@b.service') ?? [])], [['q.io/many:1', 'x']]);
  assert.equal(all.get('many@a.service')?.size, 2);
});
