import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fullName, parseName } from '../../src/image/name.ts';
import type { ShortNames } from '../../src/image/short-names.ts';
import { holds } from '../support/property.ts';

const none: ShortNames = { searchRegistries: [], aliases: {} };
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

const meaning = (raw: string, shortNames = none) => {
  const result = fullName(raw, shortNames);
  return result.ok ? result.name : result.code;
};

test('missing parts of names are added', () => {
  const cases: Readonly<Record<string, string>> = {
    'docker.io/x': 'docker.io/library/x:latest',
    'docker.io/library/x:1': 'docker.io/library/x:1',
    'index.docker.io/x': 'docker.io/library/x:latest',
    'index.docker.io/a/b:1': 'docker.io/a/b:1',
    'docker.io/a/b/c': 'docker.io/a/b/c:latest',
    'quay.io/x': 'quay.io/x:latest',
    'localhost/x': 'localhost/x:latest',
    'localhost:5000/x:1': 'localhost:5000/x:1',
    'host:5000/x': 'host:5000/x:latest',
    '127.0.0.1:5000/x': '127.0.0.1:5000/x:latest',
    '[::1]:5000/x': '[::1]:5000/x:latest',
    '[fe80::1]/x': '[fe80::1]/x:latest',
    'Quay.IO/x': 'Quay.IO/x:latest',
    'quay.io/a__b/c-d.e---f_g': 'quay.io/a__b/c-d.e---f_g:latest',
    'quay.io/x:Tag_1.0-a': 'quay.io/x:Tag_1.0-a',
    [`quay.io/x@${digest}`]: `quay.io/x@${digest}`,
    [`quay.io/x:1@${digest}`]: `quay.io/x@${digest}`,
    [`docker.io/x:1@${digest}`]: `docker.io/library/x@${digest}`,
    'docker://quay.io/x:1': 'quay.io/x:1',
    'docker://x': 'docker.io/library/x:latest',
  };
  for (const [raw, full] of Object.entries(cases)) assert.equal(meaning(raw), full, raw);
});

test('invalid image names are refused with a reason', () => {
  const cases: Readonly<Record<string, RegExp>> = {
    '': /no repository/,
    'quay.io/': /no repository/,
    '/x': /part of a repository/,
    'quay.io//x': /part of a repository/,
    'quay.io/x/': /part of a repository/,
    'quay.io/X': /upper-case/,
    'A/b': /upper-case/,
    'quay.io/x:': /tag/,
    'quay.io/x:.a': /tag/,
    [`quay.io/x:${'a'.repeat(129)}`]: /tag/,
    'quay.io/x y': /part of a repository/,
    'quay.io/-x': /part of a repository/,
    'quay.io/x___y': /part of a repository/,
    'quay.io/x..y': /part of a repository/,
    'a..b/c': /host name/,
    '-a.b/c': /host name/,
    'host:port/c': /host name/,
    '[::1/x': /host name/,
    'oci:/srv/layout': /host name/,
    'https://quay.io/x': /host name/,
    'quay.io/x@': /follows the @/,
    [`quay.io/x@${digest}0`]: /follows the @/,
    [`quay.io/x@${digest.toUpperCase()}`]: /follows the @/,
    [`quay.io/x@${digest}@${digest}`]: /follows the @/,
    [`quay.io/x@sha512:${'0'.repeat(128)}`]: /follows the @/,
    ['a'.repeat(64)]: /ID of an image/,
    [`quay.io/${'a'.repeat(248)}`]: /255/,
    ['a'.repeat(513)]: /512/,
    'quay.io/x\u0000': /part of a repository/,
    'quay.io/x\n': /part of a repository/,
    '%i': /part of a repository/,
  };
  for (const [raw, reason] of Object.entries(cases)) {
    const result = fullName(raw, none);
    assert.ok(!result.ok, raw);
    assert.equal(result.code, 'image-name', raw);
    assert.match(result.message, reason);
    assert.ok(result.hint.length > 0);
    assert.ok(result.message.length < 400, 'the message quotes only so much');
  }
});

test('a name may have 255 characters and not 256', () => {
  const longest = `quay.io/${'a'.repeat(247)}`;
  assert.equal(meaning(longest), `${longest}:latest`);
  assert.equal(meaning(`${longest}a`), 'image-name');
});

test('a short name is replaced by its alias, and keeps tag and digest', () => {
  const names = {
    searchRegistries: ['docker.io', 'quay.io'],
    aliases: { fedora: 'registry.fedoraproject.org/fedora', 'a/b': 'docker.io/b' },
  };
  assert.equal(meaning('fedora', names), 'registry.fedoraproject.org/fedora:latest');
  assert.equal(meaning('fedora:40', names), 'registry.fedoraproject.org/fedora:40');
  assert.equal(
    meaning(`fedora:40@${digest}`, names),
    `registry.fedoraproject.org/fedora@${digest}`,
  );
  assert.equal(meaning('a/b:1', names), 'docker.io/library/b:1');
  assert.equal(meaning('docker.io/fedora', names), 'docker.io/library/fedora:latest');
  assert.equal(meaning('localhost/fedora', names), 'localhost/fedora:latest');
});

test('an alias that is no full name is refused, not passed over', () => {
  for (const target of ['', 'fedora', 'a/b', 'quay.io/B', 'quay.io/']) {
    const names = { searchRegistries: ['quay.io'], aliases: { x: target } };
    assert.equal(meaning('x', names), 'image-name', target);
  }
});

test('names of properties that every object has are no aliases', () => {
  assert.equal(meaning('constructor'), 'short-name');
  assert.equal(meaning('valueof:1'), 'short-name');
});

test('a short name without an alias uses the only search registry', () => {
  const only = (registry: string) => ({ searchRegistries: [registry], aliases: {} });
  assert.equal(meaning('a/b:1', only('quay.io')), 'quay.io/a/b:1');
  assert.equal(meaning('b', only('docker.io')), 'docker.io/library/b:latest');
  assert.equal(meaning('b', only('localhost:5000')), 'localhost:5000/b:latest');
  assert.equal(meaning('b', only('not a host')), 'image-name');
});

test('with several search registries a short name is ambiguous', () => {
  const result = fullName('b:1', { searchRegistries: ['docker.io', 'quay.io'], aliases: {} });
  assert.ok(!result.ok);
  assert.equal(result.code, 'ambiguous-short-name');
  assert.match(result.message, /docker\.io\/library\/b:1, quay\.io\/b:1/);
});

test('without alias and search registry a short name means nothing', () => {
  assert.equal(meaning('b'), 'short-name');
});

test('a full name has its parts', () => {
  assert.deepEqual(parseName('docker.io/library/x:1'), {
    registry: 'docker.io',
    repository: 'library/x',
    tag: '1',
  });
  assert.deepEqual(parseName(`localhost:5000/x@${digest}`), {
    registry: 'localhost:5000',
    repository: 'x',
    digest,
  });
  assert.throws(() => parseName('x'), /not a full image name/);
  assert.throws(() => parseName('quay.io/X'), /is no image name/);
});

/** The grammar of github.com/distribution/reference as one expression, and no more. */
const oracle = (() => {
  const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
  const host = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
  const component = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*';
  const path = `${component}(?:/${component})*`;
  return new RegExp(
    `^(?:(${host})/)?(${path})(?::(\\w[\\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$`,
  );
})();

function expected(raw: string): string | undefined {
  const first = raw.includes('/') ? raw.slice(0, raw.indexOf('/')) : '';
  const hasHost = /[.:]/.test(first) || first === 'localhost';
  const [, host, path = '', tag, ref] = oracle.exec(hasHost ? raw : `search.example/${raw}`) ?? [];
  if (host === undefined || /^[a-f0-9]{64}$/.test(path)) return undefined;
  const registry = host === 'index.docker.io' ? 'docker.io' : host;
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  return `${registry}/${repository}${ref === undefined ? `:${tag ?? 'latest'}` : `@${ref}`}`;
}

const names = { searchRegistries: ['search.example'], aliases: {} };

const nearlyNames = fc
  .array(
    fc.oneof(
      fc.constantFrom('docker.io', 'index.docker.io', 'localhost', 'a', 'B', 'a1', '[::1]', digest),
      fc.constantFrom('/', ':', '.', '@', '-', '_', '__', '5000', 'latest', ' ', 'é', '%', '..'),
    ),
    { maxLength: 9 },
  )
  .map((parts) => parts.join(''));

test('names are recognised by the grammar', async () => {
  await holds(
    1000,
    fc.property(nearlyNames, (raw) => {
      const want = expected(raw);
      assert.equal(meaning(raw, names), want ?? 'image-name', JSON.stringify(raw));
    }),
  );
});

test('a full name means itself, and its parts make it again', async () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,5}([._-][a-z0-9]{1,3})?$/);
  const registry = fc.constantFrom('docker.io', 'quay.io', 'localhost', 'h:5000', '[::1]:1');
  const suffix = fc.oneof(fc.stringMatching(/^:\w[\w.-]{0,9}$/), fc.constant(`@${digest}`));
  await holds(
    1000,
    fc.property(
      registry,
      fc.array(component, { minLength: 2, maxLength: 4 }),
      suffix,
      (host, path, end) => {
        const name = `${host}/${path.join('/')}${end}`;
        assert.equal(meaning(name), name);
        const parts = parseName(name);
        const tail = parts.digest === undefined ? `:${parts.tag}` : `@${parts.digest}`;
        assert.equal(`${parts.registry}/${parts.repository}${tail}`, name);
      },
    ),
  );
});

test('fullName of a full name changes nothing, for any input', async () => {
  await holds(
    1000,
    fc.property(fc.oneof(nearlyNames, fc.string({ unit: 'binary' })), (raw) => {
      const result = fullName(raw, names);
      if (result.ok) assert.equal(meaning(result.name), result.name);
    }),
  );
});
