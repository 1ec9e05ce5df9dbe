import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropInDirectoryNames } from '../../src/systemd/drop-in-names.ts';
import { parseUnitName, unescapeName, withInstance } from '../../src/systemd/unit-name.ts';

test('a name has a prefix, perhaps an instance, and a type', () => {
  assert.deepEqual(parseUnitName('app-web.service'), {
    full: 'app-web.service',
    bare: 'app-web',
    prefix: 'app-web',
  });
  assert.deepEqual(parseUnitName('app@eu@1.x.service'), {
    full: 'app@eu@1.x.service',
    bare: 'app@eu@1.x',
    prefix: 'app',
    instance: 'eu@1.x',
  });
  assert.equal(parseUnitName('app@.service').instance, '');
  assert.equal(parseUnitName('.service').bare, '.service');
});

test('a template with an instance is a unit of its own', () => {
  assert.equal(withInstance(parseUnitName('app@.service'), 'eu').full, 'app@eu.service');
});

test('escaping is undone', () => {
  assert.equal(unescapeName('dev-sda'), 'dev/sda');
  assert.equal(unescapeName('a\\x2db\\xc3\\xa9'), 'a-bé');
  assert.equal(unescapeName(''), '');
  for (const bad of ['a\\', 'a\\x2', 'a\\n', 'a\\xzz']) assert.equal(unescapeName(bad), undefined);
});

test('drop-in directories of all five kinds, from specific to broad', () => {
  assert.deepEqual(dropInDirectoryNames('foo-bar@i.container'), [
    'foo-bar@i.container.d',
    'foo-bar@.container.d',
    'foo-@.container.d',
    'foo-.container.d',
    'container.d',
  ]);
  assert.deepEqual(dropInDirectoryNames('a-b-c.volume'), [
    'a-b-c.volume.d',
    'a-b-.volume.d',
    'a-.volume.d',
    'volume.d',
  ]);
  assert.deepEqual(dropInDirectoryNames('a@.image'), ['a@.image.d', 'image.d']);
});

test('a dash in the instance is not a prefix', () => {
  assert.deepEqual(dropInDirectoryNames('a@b-c.container'), [
    'a@b-c.container.d',
    'a@.container.d',
    'container.d',
  ]);
});
