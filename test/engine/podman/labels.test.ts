import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { pinLabels, readPinLabels } from '../../../src/engine/podman/labels.ts';
import { holds } from '../../support/property.ts';

const text = fc.string({ unit: 'binary' });
const count = fc.nat();
const plain = { noNullPrototype: true };
const request = fc.record(
  {
    id: text,
    platform: text,
    names: fc.array(fc.record({ name: text, digest: text, manifest: text }, plain)),
    fetched: fc.boolean(),
    record: fc.record({ location: text, images: count, problems: count, staged: text }, plain),
  },
  plain,
);

test('labels say a pin whole', async () => {
  await holds(
    300,
    fc.property(text, request, (root, pin) => {
      assert.deepEqual(readPinLabels(pinLabels(root, pin), pin.id), { root, ...pin });
    }),
  );
});

test('what is not written so is no pin', () => {
  const pin = {
    id: 'sha256:1',
    platform: 'linux/amd64',
    names: [{ name: 'a/b:1', digest: 'd', manifest: 'm' }],
    fetched: false,
    record: { location: '/', images: 1, problems: 0, staged: 'then' },
  };
  const labels = pinLabels('os', pin);
  assert.equal(readPinLabels(labels, 'sha256:2'), undefined, 'of another image');
  for (const name of Object.keys(labels)) {
    const { [name]: _, ...rest } = labels;
    assert.equal(readPinLabels(rest, pin.id), undefined, `without ${name}`);
  }
  for (const [name, value] of [
    ['berth.schema', '2'],
    ['berth.names', '{'],
    ['berth.names', '[{"name":"a"}]'],
    ['berth.record', '[]'],
    ['berth.fetched', 'yes'],
  ] as const) {
    assert.equal(
      readPinLabels({ ...labels, [name]: value }, pin.id),
      undefined,
      `${name}=${value}`,
    );
  }
});
