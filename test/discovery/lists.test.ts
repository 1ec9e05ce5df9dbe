import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lists } from '../../src/discovery/images-d/lists.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { holds } from '../support/property.ts';
import { foundBy, places, problemsOf } from './source.ts';

const vendor = '/usr/lib/berth/images.d';
const admin = '/etc/berth/images.d';
const tree = { '/etc/x': '' };

test('a list has one name a line, with comments and blanks, and binds all of them', async (t) => {
  const found = await foundBy(t, lists, {
    ...tree,
    [`${vendor}/base.list`]: '# all\nq.io/a:1\n\n  q.io/b:1\t# why\r\n#q.io/c\nq.io/d:1#x\nnginx\n',
    [`${vendor}/other.txt`]: 'q.io/e',
    [`${vendor}/.hidden.list`]: 'q.io/e',
  });
  const path = `${vendor}/base.list`;
  assert.deepEqual(places(found), [
    `${path}:2 list q.io/a:1 missing`,
    `${path}:4 list q.io/b:1 missing`,
    `${path}:6 list - missing`,
    `${path}:7 list docker.io/library/nginx:latest missing`,
  ]);
  assert.deepEqual(problemsOf(found), [`image-name ${path}:6`]);
  for (const { bind, unit, kind, unitPath, scope } of found.references) {
    assert.deepEqual(
      [bind, unit, kind, unitPath, scope],
      [true, 'base.list', 'list', path, 'system'],
    );
  }
  const [problem] = found.references[2]?.problems ?? [];
  assert.deepEqual(problem?.subject, { unitPath: path, unit: 'base.list', bind: true });
});

test("the administrator's file of the same name replaces a list, and /dev/null removes it", async (t) => {
  const found = await foundBy(t, lists, {
    [`${vendor}/a.list`]: 'q.io/a:1',
    [`${vendor}/b.list`]: 'q.io/b:1',
    [`${vendor}/c.list`]: 'q.io/c:1',
    [`${admin}/a.list`]: 'q.io/z:1',
    [`${admin}/b.list`]: '-> /dev/null',
    [`${admin}/d.list`]: `-> ../../..${vendor}/c.list`,
    [`${admin}/e.list`]: '-> nowhere',
  });
  assert.deepEqual(places(found), [
    `${admin}/a.list:1 list q.io/z:1 missing`,
    `${vendor}/c.list:1 list q.io/c:1 missing`,
    `${admin}/d.list:1 list q.io/c:1 missing`,
  ]);
  assert.equal(found.references[2]?.unitRealPath, `${vendor}/c.list`);
  assert.deepEqual(problemsOf(found), [`dangling-link ${admin}/e.list`]);
});

test('in a tree that was never booted, the lists are in /usr/etc', async (t) => {
  const found = await foundBy(t, lists, {
    '/usr/etc/berth/images.d/a.list': '-> /etc/berth/b.list',
    '/usr/etc/berth/b.list': 'q.io/a:1',
  });
  assert.deepEqual(places(found), ['/usr/etc/berth/images.d/a.list:1 list q.io/a:1 missing']);
});

test('an unreadable list is a problem that binds, and hides nothing', async (t) => {
  const found = await foundBy(t, lists, {
    [`${vendor}/a.list/x`]: '',
    [`${vendor}/b.list`]: 'q.io/b:1',
    [`${vendor}/big.list`]: Buffer.alloc(9 * 1024 * 1024, '\n'),
    [admin]: 'a file',
  });
  assert.equal(found.references.length, 1);
  assert.deepEqual(problemsOf(found), [
    `not-a-directory ${admin}`,
    `not-a-file ${vendor}/a.list`,
    `too-large ${vendor}/big.list`,
  ]);
  for (const { subject } of found.problems) assert.equal(subject?.bind, true);
});

test('a list of 100,000 lines is read, and the size and the names of all lists are limited', async (t) => {
  limitCpu(t, 30);
  const names = Array.from({ length: 100_000 }, (_, index) => `quay.io/example/a${index}:1.2.3`);
  const text = names.join('\n');
  const large = await foundBy(t, lists, { ...tree, [`${vendor}/a.list`]: text });
  assert.equal(large.references.length, 100_000);
  assert.equal(large.references.at(-1)?.line, 100_000);
  const many = await foundBy(t, lists, {
    ...tree,
    [`${vendor}/a.list`]: text,
    [`${vendor}/b.list`]: text,
    [`${vendor}/c.list`]: text,
  });
  assert.equal(many.references.length, 100_000);
  assert.deepEqual(problemsOf(many), [
    `too-large ${vendor}/c.list`,
    `too-large ${vendor}/b.list:1`,
  ]);
});

test('one long line of comment marks takes linear time', async (t) => {
  limitCpu(t, 30);
  const text = `q.io/a:1${' #'.repeat(1_000_000)}\r\u2028x`;
  const found = await foundBy(t, lists, { ...tree, [`${vendor}/a.list`]: text });
  assert.deepEqual(places(found), [`${vendor}/a.list:1 list q.io/a:1 missing`]);
});

test('any bytes are a list, with at most one reference a line', async (t) => {
  await holds(
    100,
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const path = `${vendor}/a.list`;
      const found = await foundBy(t, lists, { ...tree, [path]: Buffer.from(bytes) });
      const count = Buffer.from(bytes).toString().split('\n').length;
      assert.ok(found.references.length <= count);
      for (const { image, problems } of found.references) {
        assert.equal(image === undefined, problems.length > 0);
      }
    }),
  );
});
