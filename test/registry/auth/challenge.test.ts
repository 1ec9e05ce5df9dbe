import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from '../../../src/registry/auth/challenge.ts';
import { holds } from '../../support/property.ts';

const read = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => ({
    scheme,
    ...Object.fromEntries(parameters),
  }));

test('headers as registries send them', () => {
  assert.deepEqual(
    read('Bearer realm="https://a/token",service="a",scope="repository:x:pull,push"'),
    [{ scheme: 'bearer', realm: 'https://a/token', service: 'a', scope: 'repository:x:pull,push' }],
  );
  assert.deepEqual(read('Basic realm="x, Bearer realm=\\"y\\"" , Bearer  Realm = z,error="e"'), [
    { scheme: 'basic', realm: 'x, Bearer realm="y"' },
    { scheme: 'bearer', realm: 'z', error: 'e' },
  ]);
  assert.deepEqual(read('Negotiate'), [{ scheme: 'negotiate' }]);
  assert.deepEqual(read(''), []);
  assert.deepEqual(read(',,='), []);
  assert.deepEqual(read('Bearer realm="open, x=1'), [{ scheme: 'bearer', realm: 'open, x=1' }]);
});

test('challenges that are written are read again, and nothing throws', async () => {
  const token = fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,8}$/);
  const value = fc.string({ maxLength: 20 });
  const selector = ([name]: [string, string]) => name;
  const parameters = fc.uniqueArray(fc.tuple(token, value), { selector, maxLength: 4 });
  const challenge = fc.record({ scheme: token, parameters }, { noNullPrototype: true });
  await holds(
    500,
    fc.property(fc.array(challenge, { maxLength: 3 }), fc.string(), (challenges, noise) => {
      const header = challenges
        .map(
          ({ scheme, parameters }) =>
            `${scheme} ${parameters.map(([name, text]) => `${name}="${text.replace(/["\\]/g, '\\$&')}"`).join(', ')}`,
        )
        .join(', ');
      assert.deepEqual(
        parseChallenges(header).map(({ scheme, parameters }) => ({
          scheme,
          parameters: [...parameters],
        })),
        challenges,
      );
      parseChallenges(noise);
    }),
  );
});

test('a long header takes no more than its length', () => {
  for (const part of ['"', 'a ', 'a=', '\\"', 'a="\\', ' ', 'a\t'])
    parseChallenges(part.repeat(100_000));
});
