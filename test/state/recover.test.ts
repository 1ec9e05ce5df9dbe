import assert from 'node:assert/strict';
import test from 'node:test';
import { recordsFromPins } from '../../src/state/recover.ts';
import { digestFor, pinFor, recordImage, stagedRecord } from '../support/samples.ts';

const a = recordImage('a', 'registry.example.com/a:1');
const b = recordImage('b', 'registry.example.com/b:1');
const c = recordImage('c', 'registry.example.com/c:1');
const ids = (images: readonly { id: string }[] | undefined) => images?.map(({ id }) => id);

test('a whole set of pins makes the record again, names and digests included', () => {
  const [record] = recordsFromPins([pinFor('os', a, 2), pinFor('os', b, 2)], new Map());
  assert.equal(record?.location, '/srv/os');
  assert.deepEqual(record?.staged?.images, [
    { ...a, size: 0 },
    { ...b, size: 0 },
  ]);
  assert.equal(record?.pending, undefined);
});

test('a record that is there is not made again', () => {
  const known = new Map([['os', stagedRecord('os')]]);
  assert.deepEqual(recordsFromPins([pinFor('os', a)], known), []);
});

test('a set that is not whole is a stage that has only begun', () => {
  const [record] = recordsFromPins([pinFor('os', a, 2)], new Map());
  assert.equal(record?.staged, undefined);
  assert.deepEqual(ids(record?.pending?.images), [digestFor('a')]);
});

test('the newer of two whole sets counts, and the older is left over', () => {
  const pins = [pinFor('os', a, 1, '2026-01-01'), pinFor('os', b, 1, '2026-02-01')];
  const [record] = recordsFromPins(pins, new Map());
  assert.deepEqual(ids(record?.staged?.images), [digestFor('b')]);
  assert.deepEqual(ids(record?.pending?.images), [digestFor('a')]);
});

test('a begun upgrade does not hide the whole set that it replaces', () => {
  const pins = [pinFor('os', a, 1, '2026-01-01'), pinFor('os', b, 2, '2026-02-01')];
  const [record] = recordsFromPins(pins, new Map());
  assert.deepEqual(ids(record?.staged?.images), [digestFor('a')]);
  assert.deepEqual(ids(record?.pending?.images), [digestFor('b')]);
});

test('two pins of one image do not make a set whole', () => {
  const [record] = recordsFromPins([pinFor('os', a, 2), pinFor('os', a, 2)], new Map());
  assert.equal(record?.staged, undefined);
});

test('problems that a lost record had are not forgotten', () => {
  const pin = pinFor('os', a);
  const told = { ...pin, record: { ...pin.record, problems: 3 } };
  const [record] = recordsFromPins([told], new Map());
  assert.equal(record?.staged?.problems[0]?.code, 'record-recovered');
});

test('pins made by hand come back whatever their number', () => {
  const pins = [
    pinFor('manual', a, 0, '1'),
    pinFor('manual', b, 0, '2'),
    pinFor('manual', c, 0, '3'),
  ];
  const [record] = recordsFromPins(pins, new Map());
  assert.equal(record?.staged?.images.length, 3);
});
