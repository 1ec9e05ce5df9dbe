import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { LOCK_PATH, type Lock, lockText, readLock } from '../../src/binding/lock.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { holds } from '../support/property.ts';
import { digestFor } from '../support/samples.ts';
import { rootOf } from '../support/tree.ts';

const a = digestFor('a');
const b = digestFor('b');
const entry = (name: string, digest = a, platforms: object = {}) => ({ name, digest, platforms });
const file = (...images: object[]) =>
  JSON.stringify({ apiVersion: 'berth/v1', kind: 'Lock', images });

test('the text is sorted, has one line per image, and does not depend on the order', () => {
  const one: Lock = new Map([
    [
      'r.example/b:1',
      {
        digest: b,
        platforms: new Map([
          ['linux/arm64', a],
          ['linux/amd64', b],
        ]),
      },
    ],
    ['r.example/a:1', { digest: a, platforms: new Map() }],
  ]);
  const text = lockText(one);
  assert.equal(lockText(new Map([...one].reverse())), text);
  assert.deepEqual(text.split('\n').slice(3, 6), [
    '  "images": [',
    `    {"name":"r.example/a:1","digest":"${a}","platforms":{}},`,
    `    {"name":"r.example/b:1","digest":"${b}","platforms":{"linux/amd64":"${b}","linux/arm64":"${a}"}}`,
  ]);
});

test('a written lock can be read', async (t) => {
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`);
  const platform = fc.constantFrom('linux/amd64', 'linux/arm64', 'linux/arm/v7', 'windows/amd64');
  const name = fc.stringMatching(/^[a-z]{1,8}$/).map((text) => `r.example/${text}:1`);
  const locks = fc.dictionary(
    name,
    fc.record({ digest, platforms: fc.dictionary(platform, digest) }),
  );
  await holds(
    30,
    fc.asyncProperty(locks, async (images) => {
      const lock: Lock = new Map(
        Object.entries(images).map(([key, value]) => [
          key,
          { digest: value.digest, platforms: new Map(Object.entries(value.platforms)) },
        ]),
      );
      const found = await readLock(rootOf(t, { [LOCK_PATH]: lockText(lock) }));
      assert.deepEqual(found.lock, new Map([...lock].sort(([x], [y]) => (x < y ? -1 : 1))));
    }),
  );
});

const hostile: Readonly<Record<string, string>> = {
  'no JSON': '{',
  'an empty file': '',
  'a list': '[]',
  'a newer version': file().replace('v1', 'v2'),
  'another kind': file().replace('Lock', 'Record'),
  'a short name': file(entry('web:1')),
  'a name without its tag': file(entry('r.example/web')),
  'a name twice': file(entry('r.example/web:1'), entry('r.example/web:1', b)),
  'no digest': file(entry('r.example/web:1', 'latest')),
  'a digest that the name contradicts': file(entry(`r.example/web@${a}`, b)),
  'an impossible platform': file(entry('r.example/web:1', a, { amd64: a })),
  'a platform without a digest': file(entry('r.example/web:1', a, { 'linux/amd64': '../x' })),
  'a field that nobody knows': file({ ...entry('r.example/web:1'), tag: 'x' }),
  'deep nesting': '['.repeat(100_000),
  'more than is read': `${file()}${' '.repeat(17 * 1024 * 1024)}`,
};

for (const [what, text] of Object.entries(hostile)) {
  test(`a lock with ${what} is a problem`, async (t) => {
    limitCpu(t, 20);
    const { lock, problem } = await readLock(rootOf(t, { [LOCK_PATH]: text }));
    assert.equal(lock, undefined);
    assert.equal(problem?.code, 'lock-file');
    assert.equal(problem.path, LOCK_PATH);
    assert.match(problem.hint, /berth lock/);
  });
}

test('any text is a lock or a problem', async (t) => {
  const entries = fc.array(
    fc.record(
      { name: fc.string(), digest: fc.oneof(fc.string(), fc.constant(a)), platforms: fc.object() },
      { requiredKeys: [] },
    ),
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    entries.map((images) => file(...images)),
  );
  await holds(
    60,
    fc.asyncProperty(texts, async (text) => {
      const { lock, problem } = await readLock(
        rootOf(t, { [LOCK_PATH]: text.replace(/^-> /, '') }),
      );
      assert.ok((lock === undefined) !== (problem === undefined));
    }),
  );
});

test('a directory in place of the lock is a problem; a missing file or dangling link is not', async (t) => {
  const directory = await readLock(rootOf(t, { [`${LOCK_PATH}/x`]: '' }));
  assert.equal(directory.problem?.code, 'lock-file');
  assert.deepEqual(await readLock(rootOf(t, { '/etc/x': '' })), {});
});

test('a platform named like a property of every object is no platform', async (t) => {
  const text = file(entry('r.example/web:1')).replace('{}', `{"__proto__":"${a}"}`);
  const { lock } = await readLock(rootOf(t, { [LOCK_PATH]: text }));
  assert.equal(lock?.get('r.example/web:1')?.platforms.size ?? 0, 0);
});
