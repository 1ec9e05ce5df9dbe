import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromLease, toLease } from '../../../../src/engine/containerd/pins/lease-labels.ts';
import { holds } from '../../../support/property.ts';

/** In bytes, as containerd's `labels.Validate` counts. */
const LIMIT = 4096;

test('labels of any length fit into those of a lease, and come back', async () => {
  const text = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 20 }), fc.nat(2000))
    .map(([part, times]) => part.repeat(times));
  const name = fc.constantFrom('berth.names', 'berth.record', 'berth.image', 'berth.seal');
  await holds(
    50,
    fc.asyncProperty(fc.dictionary(name, text), async (labels) => {
      const kept = toLease(labels);
      for (const [label, value] of Object.entries(kept)) {
        assert.ok(Buffer.byteLength(label) + Buffer.byteLength(value) <= LIMIT, label);
      }
      assert.deepEqual({ ...fromLease(kept) }, { ...labels });
    }),
  );
});

test('a part that is missing ends a text', () => {
  const kept = toLease({ 'berth.names': 'x'.repeat(10_000) });
  assert.deepEqual(Object.keys(kept), ['berth.names.0', 'berth.names.1', 'berth.names.2']);
  const { 'berth.names.1': _, ...rest } = kept;
  assert.equal(fromLease(rest)['berth.names'], kept['berth.names.0']);
});

test('labels of others are left as they are', () => {
  const labels = { 'containerd.io/gc.expire': '2026-01-01T00:00:00Z', 'some.1': 'x' };
  assert.equal(fromLease(labels)['containerd.io/gc.expire'], labels['containerd.io/gc.expire']);
});
