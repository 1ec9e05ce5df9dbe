import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isRootId } from '../../../src/common/roots.ts';
import { pinLabels, readPinLabels, SEALED_LABELS } from '../../../src/engine/pins/labels.ts';
import { isDigest } from '../../../src/image/digest.ts';
import { isNameOrId, parseName } from '../../../src/image/name.ts';
import { parsePlatform } from '../../../src/image/platform.ts';
import { holds } from '../../support/property.ts';

const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const digest = hex.map((digits) => `sha256:${digits}`);
const root = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/).filter(isRootId);
const name = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{1,9}\.example(:[1-9]{1,4})?(\/[a-z0-9]{1,5}){1,3}:\w[\w.]{0,9}$/),
  fc.tuple(fc.constant('quay.io/a/b@'), digest).map((parts) => parts.join('')),
  digest,
);
// The empty text is an unknown platform.
const platform = fc.constantFrom('linux/amd64', 'linux/arm/v7', 'linux/s390x', '');
const count = fc.nat();
const location = fc.constantFrom('', '/', '/srv/ös b', 'image:quay.io/a/os:1');
const staged = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const deployment = fc.record({
  updater: fc.constantFrom('bootc' as const, 'ostree' as const, 'directories' as const),
  role: fc.constantFrom('booted' as const, 'staged' as const, 'other' as const, 'held' as const),
});
const plain = { noNullPrototype: true };
const request = fc.record(
  {
    id: digest,
    platform,
    names: fc.array(fc.record({ name, digest, manifest: digest }, plain), { maxLength: 5 }),
    fetched: fc.boolean(),
    record: fc.record(
      { location, images: count, problems: count, staged, deployment },
      { ...plain, requiredKeys: ['location', 'images', 'problems', 'staged'] },
    ),
  },
  plain,
);

test('labels say a pin whole', async () => {
  await holds(
    300,
    fc.property(root, request, (id, pin) => {
      assert.deepEqual(
        structuredClone(readPinLabels(pinLabels(id, pin), pin.id)),
        structuredClone({ root: id, ...pin }),
      );
    }),
  );
});

/** Values of labels as berth writes them, or as an attacker would. */
const hostileId = fc.oneof(
  root,
  fc.constantFrom('', '.', '..', '/', '../x', '../../victim/policy', 'a/b', '.a', 'booted'),
  fc.constantFrom('staged', 'rollback', 'a\u001b[31m', 'a\n', 'a\0', '-a', 'a'.repeat(200)),
  fc.string({ unit: 'binary' }),
);
const hostileDigest = fc.oneof(
  digest,
  hex,
  fc.constantFrom('', 'sha256:', 'sha512:aa', `sha256:${'A'.repeat(64)}`, `../${'a'.repeat(64)}`),
  digest.map((good) => `${good}\n`),
);
const hostileName = fc.oneof(
  name,
  fc.constantFrom('nginx', 'docker.io/nginx:1', 'quay.io/a', '', '-v', 'quay.io/../a:1', 'a\n'),
  fc.string({ unit: 'binary' }),
);
const hostileText = fc.oneof(
  fc.constantFrom('{', '[]', 'null', '{"__proto__":{"location":"/"}}', '['.repeat(9000), '1e999'),
  fc.json(),
  fc.string(),
);
const hostileNames = fc
  .array(fc.record({ name: hostileName, digest: hostileDigest, manifest: hostileDigest }))
  .map((names) => JSON.stringify(names));
const hostileCount = fc.oneof(count, fc.constantFrom(-1, 0.5, 1e300, '1', null));
const hostileRecord = fc
  .record({
    location: fc.oneof(location, fc.constantFrom('/a\u001b]0;b', '/\u202ea', 'a'.repeat(5000))),
    images: hostileCount,
    problems: hostileCount,
    staged: fc.oneof(staged, fc.constantFrom('then', '2026-01-01', '2026-99-99T00:00:00Z', 5)),
    deployment: fc.oneof(
      fc.constant(undefined),
      deployment,
      fc.record({ updater: fc.string(), role: fc.string() }),
    ),
  })
  .map((record) => JSON.stringify(record));
const hostileLabels = fc.dictionary(fc.string(), fc.oneof(fc.string(), hostileText)).chain((more) =>
  fc
    .record(
      {
        'berth.schema': fc.constantFrom('1', '1', '1', '2', ''),
        'berth.root': hostileId,
        'berth.image': hostileDigest,
        'berth.platform': fc.oneof(platform, fc.constantFrom('', 'linux', 'a/b/c/d', '../..')),
        'berth.fetched': fc.constantFrom('true', 'false', 'yes', ''),
        'berth.names': fc.oneof(hostileNames, hostileText),
        'berth.record': fc.oneof(hostileRecord, hostileText),
      },
      { requiredKeys: [] },
    )
    .map((labels): Record<string, string> => ({ ...more, ...labels })),
);

function assertSound(labels: Readonly<Record<string, string>>): boolean {
  const pin = readPinLabels(labels, labels['berth.image'] ?? '');
  if (pin === undefined) return false;
  const { location: path, images, problems, staged: time } = pin.record;
  assert.ok(isRootId(pin.root) && !/[/\0\n]|^\.\.?$/.test(pin.root), pin.root);
  assert.ok(isDigest(pin.id), pin.id);
  assert.ok(pin.platform === '' || parsePlatform(pin.platform) !== undefined, pin.platform);
  for (const served of pin.names) {
    assert.ok(isDigest(served.digest) && isDigest(served.manifest), JSON.stringify(served));
    assert.ok(isNameOrId(served.name), served.name);
    if (!isDigest(served.name)) parseName(served.name);
  }
  assert.ok(path.length <= 4096 && !/[\p{Cc}\u202e]/u.test(path), path);
  assert.ok([images, problems].every((n) => Number.isSafeInteger(n) && n >= 0));
  assert.ok(time === '' || !Number.isNaN(Date.parse(time)), time);
  return true;
}

test('whatever labels say, nothing that is not well-formed comes of them', async () => {
  await holds(
    1000,
    fc.property(hostileLabels, (labels) => {
      assertSound(labels);
    }),
  );
});

test('one label that is not as it should be makes the whole no pin', async () => {
  const field = fc.constantFrom(...SEALED_LABELS);
  await holds(
    1000,
    fc.property(root, request, field, hostileLabels, (id, pin, changed, hostile) => {
      const labels = { ...pinLabels(id, pin), [changed]: hostile[changed] ?? '?' };
      const isRead = assertSound(labels);
      if (changed === 'berth.image' && labels[changed] !== pin.id) {
        assert.equal(readPinLabels(labels, pin.id), undefined);
      } else if (hostile[changed] === undefined) assert.ok(!isRead);
    }),
  );
});

const pin = {
  id: `sha256:${'1'.repeat(64)}`,
  platform: 'linux/amd64',
  names: [
    {
      name: 'quay.io/a/b:1',
      digest: `sha256:${'2'.repeat(64)}`,
      manifest: `sha256:${'3'.repeat(64)}`,
    },
  ],
  fetched: false,
  record: { location: '/', images: 1, problems: 0, staged: '2026-01-01T00:00:00Z' },
};

test('labels that berth does not write are no pin', () => {
  const labels = pinLabels('os', pin);
  assert.ok(readPinLabels(labels, pin.id) !== undefined);
  assert.equal(readPinLabels(labels, `sha256:${'2'.repeat(64)}`), undefined, 'of another image');
  for (const label of SEALED_LABELS) {
    const { [label]: _, ...rest } = labels;
    assert.equal(readPinLabels(rest, pin.id), undefined, `without ${label}`);
  }
  const [served] = pin.names;
  const names = (changed: object) => JSON.stringify([{ ...served, ...changed }]);
  const record = (changed: object) => JSON.stringify({ ...pin.record, ...changed });
  for (const [label, value] of [
    ['berth.schema', '2'],
    ['berth.root', '../../victim/policy'],
    ['berth.root', ''],
    ['berth.root', '..'],
    ['berth.root', 'booted'],
    ['berth.root', 'a\u001b[2J'],
    ['berth.platform', 'linux'],
    ['berth.names', '{'],
    ['berth.names', '[{"name":"a"}]'],
    ['berth.names', names({ name: 'nginx' })],
    ['berth.names', names({ name: 'docker.io/nginx:1' })],
    ['berth.names', names({ digest: 'sha256:1' })],
    ['berth.names', names({ manifest: 'sha512:1' })],
    ['berth.names', names({ more: 1 })],
    ['berth.names', JSON.stringify(Array.from({ length: 20_000 }, () => served))],
    ['berth.record', '[]'],
    ['berth.record', record({ location: '/a\nb' })],
    ['berth.record', record({ location: `/${'a'.repeat(5000)}` })],
    ['berth.record', record({ images: -1 })],
    ['berth.record', record({ problems: 0.5 })],
    ['berth.record', record({ staged: 'then' })],
    ['berth.record', record({ deployment: { updater: 'mine', role: 'booted' } })],
    ['berth.record', record({ deployment: { updater: 'bootc', role: 'mine' } })],
    ['berth.record', `${' '.repeat(2 * 1024 * 1024)}${record({})}`],
    ['berth.fetched', 'yes'],
  ] as const) {
    const changed = { ...labels, [label]: value };
    assert.equal(readPinLabels(changed, pin.id), undefined, `${label}=${value.slice(0, 80)}`);
  }
});

test('a location that can’t be shown safely is lost, but the pin is not', () => {
  const odd = { ...pin, record: { ...pin.record, location: '/a\u001b[2J', staged: 'then' } };
  const read = readPinLabels(pinLabels('os', odd), pin.id);
  assert.deepEqual([read?.record.location, read?.record.staged], ['', '']);
});
