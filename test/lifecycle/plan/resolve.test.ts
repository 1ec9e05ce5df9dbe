import assert from 'node:assert/strict';
import test from 'node:test';
import type { Binding } from '../../../src/binding/bindings.ts';
import type { Depot } from '../../../src/engine/depot.ts';
import type { EngineImage } from '../../../src/engine/engine.ts';
import { keptFromDepot, keptFromRecord, presentByName } from '../../../src/lifecycle/plan/kept.ts';
import { isKnownByDigest } from '../../../src/lifecycle/plan/known-by-digest.ts';
import type { Contents } from '../../../src/state/record.ts';
import { bindingFor, digestFor, recordImage, stagedRecord } from '../../support/samples.ts';

const name = 'registry.example.com/web:1';
const [a, b] = [digestFor('a'), digestFor('b')];
const lock = (digest: string) => ({ locked: { digest, platforms: new Map<string, string>() } });
const lockProblem = { code: 'lock-file', path: '/lock', message: 'm', hint: 'h' } as const;
const arm = { os: 'linux', architecture: 'arm64' } as const;

function engineWith(...images: readonly EngineImage[]) {
  return { images: new Map(images.map((image) => [image.id, image])) };
}

/** An image of the engine, known by a digest of the name's repository. */
function known(id: string, digest = id, names: readonly string[] = []): EngineImage {
  return { id, names, digests: [`registry.example.com/web@${digest}`], size: 1 };
}

test('a name keeps what it meant when the root was staged, or is looked up anew', () => {
  const there = engineWith(known(a));
  const cases: readonly (readonly [
    string,
    Partial<Binding>,
    ReturnType<typeof engineWith>,
    string | undefined,
  ])[] = [
    ['policy missing', {}, there, a],
    ['policy never', { policy: 'never' }, there, a],
    ['policy newer', { policy: 'newer' }, there, undefined],
    ['policy always', { policy: 'always' }, there, undefined],
    ['policy always, the record is to be kept', { policy: 'always', recorded: a }, there, a],
    ['policy always, locked to the same', { policy: 'always', ...lock(a) }, there, a],
    ['locked to another', lock(b), there, undefined],
    ['a lock that can’t be read', { lockProblem }, there, undefined],
    ['another name', { name: 'registry.example.com/db:1' }, there, undefined],
    ['another platform', { platform: arm }, there, undefined],
    ['the image is gone', {}, engineWith(), undefined],
    ['the image lost its digest', {}, engineWith(known(a, b)), undefined],
  ];
  const record = stagedRecord('os', recordImage('a', name));
  for (const [what, more, engine, expected] of cases) {
    assert.equal(keptFromRecord(bindingFor(name, more), engine, record)?.id, expected, what);
  }
  assert.equal(keptFromRecord(bindingFor(name), there, undefined), undefined);
  const { staged: _, ...unfinished } = record;
  assert.equal(keptFromRecord(bindingFor(name), there, unfinished), undefined);
});

test('an image kept from the record is complete, and is not fetched', () => {
  const binding = bindingFor(name, lock(a));
  const record = stagedRecord('os', recordImage('a', name));
  assert.deepEqual(keptFromRecord(binding, engineWith(known(a)), record), {
    binding,
    id: a,
    digest: a,
    manifest: a,
    platform: 'linux/amd64',
    size: 10,
    locked: true,
  });
});

test('a name keeps what it meant when it was downloaded, whatever its policy', () => {
  const blobs = [
    { mediaType: 'x', digest: digestFor('c'), size: 1 },
    { mediaType: 'x', digest: digestFor('d'), size: 6 },
  ];
  const depot: Pick<Depot, 'find'> = {
    find: (found, meaning) => ({ ...meaning, name: found, config: digestFor('c'), blobs }),
  };
  const waiting = stagedRecord('os', recordImage('a', name)).staged;
  const cases: readonly (readonly [string, Partial<Binding>, Contents | undefined, boolean])[] = [
    ['policy missing', {}, waiting, true],
    ['policy always', { policy: 'always' }, waiting, true],
    ['locked to the same', lock(a), waiting, true],
    ['locked to another', lock(b), waiting, false],
    ['recorded with another', { recorded: b }, waiting, false],
    ['a lock that can’t be read', { lockProblem }, waiting, false],
    ['another name', { name: 'registry.example.com/db:1' }, waiting, false],
    ['another platform', { platform: arm }, waiting, false],
    ['nothing waits', {}, undefined, false],
  ];
  for (const [what, more, contents, isKept] of cases) {
    const kept = keptFromDepot(bindingFor(name, more), depot, contents);
    assert.equal(kept?.id, isKept ? a : undefined, what);
    assert.equal(kept?.size, isKept ? 7 : undefined, what);
    assert.equal(kept?.source?.from, isKept ? 'registry' : undefined, what);
  }
  const access = { tlsVerify: false };
  const kept = keptFromDepot(bindingFor(name, { accesses: [access, {}] }), depot, waiting);
  assert.deepEqual(kept?.source, { from: 'registry', access });
  const pinned = keptFromDepot(bindingFor(name), { find: () => undefined }, waiting);
  assert.deepEqual([pinned?.id, pinned?.size, pinned?.image], [a, 10, undefined]);
});

test('an image is found by the name that it has, or by the digest of the lock', () => {
  const local = 'localhost/web:1';
  const cases: readonly (readonly [string, Binding, EngineImage, string | undefined])[] = [
    ['by its tag', bindingFor(name), known(a, a, [name]), a],
    ['by its digest', bindingFor(`registry.example.com/web@${b}`), known(a, b), b],
    ['by the lock', bindingFor(name, lock(b)), known(a, b), b],
    [
      'not by a tag that the lock gainsays',
      bindingFor(name, lock(b)),
      known(a, a, [name]),
      undefined,
    ],
    ['not by another name', bindingFor(name), known(a), undefined],
    ['built here', bindingFor(local), { ...known(a, a, [local]), digests: [] }, a],
  ];
  for (const [what, binding, image, digest] of cases) {
    const found = presentByName(binding, engineWith(known(digestFor('f'), 'x'), image));
    assert.equal(found?.digest, digest, what);
    assert.equal(found?.id, digest === undefined ? undefined : a, what);
  }
});

test('an engine knows an image by the digest of a name of its repository alone', () => {
  const image = {
    name,
    digest: b,
    manifest: a,
    config: a,
    platform: 'linux/amd64',
    blobs: [],
  };
  assert.equal(isKnownByDigest(image, a, engineWith(known(a, b))), true);
  assert.equal(isKnownByDigest(image, a, engineWith(known(a, a))), false);
  assert.equal(
    isKnownByDigest({ ...image, name: 'other.example/web:1' }, a, engineWith(known(a, b))),
    false,
  );
  assert.equal(isKnownByDigest(image, a, engineWith()), false);
});
