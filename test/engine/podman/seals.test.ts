import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../../../src/engine/engine.ts';
import { SEALED_LABELS } from '../../../src/engine/podman/labels.ts';
import { Seals } from '../../../src/engine/podman/seals.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const labels = Object.fromEntries(SEALED_LABELS.map((label) => [label, `of ${label}`]));

test('a seal is right for its container and labels alone', async (t) => {
  const seals = new Seals(join(temporaryDirectory(t), 'pins.key'));
  const seal = seals.make('pin', labels);
  assert.ok(seals.isRight('pin', labels, seal));
  assert.ok(!seals.isRight('pin', labels, undefined));
  assert.ok(!seals.isRight('other', labels, seal));
  await holds(
    200,
    fc.property(
      fc.constantFrom(...SEALED_LABELS),
      fc.string(),
      fc.string(),
      (label, value, text) => {
        fc.pre(value !== labels[label]);
        assert.ok(!seals.isRight('pin', { ...labels, [label]: value }, seal));
        assert.ok(!seals.isRight('pin', labels, text));
      },
    ),
  );
});

test('what was sealed in one run is right in the next, and with no other key', (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'state/pins.key');
  const seal = new Seals(path).make('pin', labels);
  assert.ok(new Seals(path).isRight('pin', labels, seal));
  assert.ok(!new Seals(join(directory, 'none')).isRight('pin', labels, seal));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(path).size, 32);
  assert.deepEqual(readdirSync(join(directory, 'state')), ['pins.key'], 'nothing is left over');
});

test('looking makes no key, and one that is made meanwhile is seen', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  const one = new Seals(path);
  assert.ok(!one.isRight('pin', labels, 'AAAA'));
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  const seal = new Seals(path).make('pin', labels);
  assert.ok(one.isRight('pin', labels, seal));
});

test('a key that is damaged, or that others can read, is replaced', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  writeFileSync(path, 'torn', { mode: 0o600 });
  const seal = new Seals(path).make('pin', labels);
  assert.ok(new Seals(path).isRight('pin', labels, seal));
  const before = readFileSync(path);
  chmodSync(path, 0o644);
  assert.ok(!new Seals(path).isRight('pin', labels, seal));
  new Seals(path).make('pin', labels);
  assert.notDeepEqual(readFileSync(path), before);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('where no key can be made, it is said', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  mkdirSync(path);
  assert.throws(
    () => new Seals(path).make('pin', labels),
    (error) => error instanceof EngineError && error.message.includes(path),
  );
});
