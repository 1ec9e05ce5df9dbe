import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decide, policyOf, type Subject } from '../../src/binding/bind.ts';
import { globMatches } from '../../src/binding/glob.ts';
import { holds } from '../support/property.ts';

const app: Subject = {
  unit: 'app.service',
  unitPath: '/usr/share/containers/systemd/app.container',
  image: 'quay.io/acme/app:1',
};
const none = { include: [], exclude: [] };
const link = { path: '/usr/lib/berth/bound.d/app', target: app.unitPath };

test('nothing is bound by default', () => {
  assert.deepEqual(decide(app, policyOf(none, [], undefined)), {
    bound: false,
    rule: 'mode linked (the default)',
  });
});

test('a link binds its unit, and says which link', () => {
  assert.deepEqual(decide(app, policyOf(none, [link], undefined)), {
    bound: true,
    rule: 'linked by /usr/lib/berth/bound.d/app',
  });
});

test('a link binds a unit that is itself a link to the same file', () => {
  const linked: Subject = { ...app, unitPath: '/etc/x.container', unitRealPath: app.unitPath };
  assert.equal(decide(linked, policyOf(none, [link], undefined)).bound, true);
});

test('mode all binds everything, from the command line or from the root', () => {
  assert.equal(decide(app, policyOf(none, [], 'all')).rule, 'mode all (--bind)');
  const root = { ...none, mode: 'all' as const, path: '/usr/lib/berth/berth.toml' };
  assert.equal(decide(app, policyOf(root, [], undefined)).rule, `mode all (${root.path})`);
  assert.equal(decide(app, policyOf(root, [], 'linked')).bound, false, '--bind goes before it');
});

test('Bind=no opts out of a link, an include and mode all', () => {
  const policy = policyOf({ include: ['*'], exclude: [] }, [link], 'all');
  assert.deepEqual(decide({ ...app, bind: false }, policy), {
    bound: false,
    rule: `Bind=no in ${app.unitPath}`,
  });
});

test('an exclude takes away, also what Bind=yes or a link binds', () => {
  for (const glob of ['app.service', 'app.container', 'quay.io/acme/*', 'quay.io/acme/app']) {
    const policy = policyOf({ include: [], exclude: [glob], path: '/b' }, [link], 'all');
    assert.deepEqual(decide({ ...app, bind: true }, policy), {
      bound: false,
      rule: `exclude "${glob}" in /b`,
    });
  }
});

test('an include adds to the mode', () => {
  const policy = policyOf({ include: ['quay.io/*'], exclude: [], path: '/b' }, [], 'linked');
  assert.deepEqual(decide(app, policy), { bound: true, rule: 'include "quay.io/*" in /b' });
  assert.equal(decide({ ...app, image: 'docker.io/library/x:1' }, policy).bound, false);
});

test('a unit whose image is unknown is judged by its names', () => {
  const { image: _, ...unknown } = app;
  const policy = policyOf({ include: ['app.*'], exclude: ['quay.io/*'], path: '/b' }, [], 'linked');
  assert.equal(decide(unknown, policy).bound, true);
});

test('mode enabled binds units that may start, and the rule says how they start', () => {
  const policy = policyOf(none, [], 'enabled');
  const of = (activation: string) => decide({ ...app, activation }, policy);
  assert.deepEqual(of('socket'), { bound: true, rule: 'mode enabled (--bind): socket' });
  assert.deepEqual(of('none'), { bound: false, rule: 'mode enabled (--bind): none' });
  assert.equal(decide(app, policy).bound, true, 'nobody knows that it stays away');
  assert.equal(decide({ ...app, activation: 'boot', bind: false }, policy).bound, false);
});

test('globs equal the regular expression that they stand for', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 12 });
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*', '?'), maxLength: 8 });
  await holds(
    500,
    fc.property(glob, text, (pattern, value) => {
      const source = pattern.replace(/[.]/g, '\\.').replace(/\*/g, '.*').replace(/\?/g, '.');
      assert.equal(globMatches(pattern, value), new RegExp(`^${source}$`).test(value));
    }),
  );
});

for (const [kind, rule] of [
  ['container', `Bind=yes in ${app.unitPath}`],
  ['list', `listed in ${app.unitPath}`],
  ['pinned-image-set', `listed in ${app.unitPath}`],
  [undefined, `unknown images in ${app.unitPath}`],
] as const) {
  test(`the rule of what is bound of itself: ${kind ?? 'a problem'}`, () => {
    const subject = { ...app, bind: true, ...(kind === undefined ? {} : { kind }) };
    assert.deepEqual(decide(subject, policyOf(none, [], undefined)), { bound: true, rule });
  });
}
