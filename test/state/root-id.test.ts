import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { BerthError } from '../../src/common/errors.ts';
import { checkedId, idOfLocation, isManual } from '../../src/state/root-id.ts';
import { holds } from '../support/property.ts';

test('a slug is short where it can be', () => {
  assert.equal(idOfLocation('/'), 'root');
  assert.equal(idOfLocation('/srv/osA'), 'srv-osA');
});

test('paths that would give one slug give two ids', () => {
  assert.notEqual(idOfLocation('/srv/os-a'), idOfLocation('/srv/os/a'));
  assert.notEqual(idOfLocation('/root'), idOfLocation('/'));
  assert.notEqual(idOfLocation('/a b'), idOfLocation('/a_b'));
});

test('every location has an id that can be one, and no two the same', async () => {
  const segment = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  const location = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`);
  await holds(
    1000,
    fc.property(location, location, (one, other) => {
      assert.equal(checkedId(idOfLocation(one)), idOfLocation(one));
      assert.ok(!isManual(idOfLocation(one)));
      const plain = (path: string) => path.replace(/^\/+|\/+$/g, '');
      if (plain(one) !== plain(other)) assert.notEqual(idOfLocation(one), idOfLocation(other));
    }),
  );
});

test('an id that could leave its directory, or hide, is refused', () => {
  for (const id of ['', '.', '..', '../x', 'a/b', '.hidden', 'a\n', 'x'.repeat(129), '-f']) {
    assert.throws(() => checkedId(id), BerthError, JSON.stringify(id));
  }
});

test('a deployment’s name is no id, and no slug becomes one', () => {
  for (const name of ['booted', 'staged', 'rollback']) {
    assert.throws(() => checkedId(name), { code: 'root-id', message: /deployment/ });
    assert.match(idOfLocation(`/${name}`), new RegExp(`^${name}-[0-9a-f]{8}$`));
  }
});
