import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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

test('a key that is damaged is replaced', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  for (const content of ['', 'torn', 'x'.repeat(33)]) {
    writeFileSync(path, content);
    assert.ok(!new Seals(path).isRight('pin', labels, 'AAAA'));
    const seal = new Seals(path).make('pin', labels);
    assert.ok(new Seals(path).isRight('pin', labels, seal));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(new Seals(path).make('pin', labels), seal, 'and then it stays');
  }
});

test('a link in the place of the key leads nowhere', (t) => {
  const directory = temporaryDirectory(t);
  const elsewhere = join(directory, 'elsewhere');
  writeFileSync(elsewhere, 'x'.repeat(32));
  symlinkSync(elsewhere, join(directory, 'pins.key'));
  new Seals(join(directory, 'pins.key')).make('pin', labels);
  assert.equal(readFileSync(elsewhere, 'utf8'), 'x'.repeat(32));
  assert.ok(lstatSync(join(directory, 'pins.key')).isFile());
});

test('where no key can be made, it is said', (t) => {
  const path = join(temporaryDirectory(t), 'pins.key');
  mkdirSync(path);
  assert.throws(
    () => new Seals(path).make('pin', labels),
    (error) => error instanceof EngineError && error.message.includes(path),
  );
});
