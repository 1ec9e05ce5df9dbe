import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { startFaultRegistry, troubles } from '../support/fault-registry.ts';
import { hostilities } from '../support/hostile-image.ts';
import { buildImage, type ImageOptions } from '../support/image-builder.ts';
import { holds } from '../support/property.ts';
import type { LoggedRequest } from '../support/registry-answer.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { hasty, login, Site } from './site.ts';

const layer = fc.record({
  bytes: fc.constantFrom(100, 5000, 60_000),
  // Few, so that images share some.
  seed: fc.integer({ min: 1, max: 6 }),
});

const image = fc.record({
  options: fc.record(
    {
      layers: fc.array(layer, { minLength: 1, maxLength: 4 }),
      platforms: fc.constant(['linux/amd64', 'linux/arm64']),
      format: fc.constantFrom<'oci' | 'docker'>('oci', 'docker'),
    },
    { requiredKeys: ['layers'] },
  ),
  hostility: fc.option(hostilities, { freq: 4 }),
});

const images = fc.array(image, { minLength: 1, maxLength: 5 });

const secrets = [
  login.password,
  Buffer.from(`${login.username}:${login.password}`).toString('base64'),
  'token-',
];

for (const auth of [{ bearer: login }, { basic: login }, {}]) {
  const [kind = 'no'] = Object.keys(auth);
  test(`whatever registries do (${kind} auth): a clear end, a valid store, and the next run brings the rest`, {
    timeout: 600_000,
  }, async (t) => {
    const fault = await startFaultRegistry(t, { auth });
    const { registry, elsewhere } = fault;
    const parent = temporaryDirectory(t);
    await holds(
      100,
      fc.asyncProperty(images, images, troubles, async (before, after, planned) => {
        const directory = mkdtempSync(join(parent, 'run-'));
        const site = new Site(directory, fault);
        fault.plan([]);
        const names = (of: readonly unknown[]) => of.map((_, i) => `app${i}:1`);
        const push = (of: typeof before, isHonest: boolean) => {
          for (const [i, { options, hostility }] of of.entries()) {
            const image = buildImage(options);
            fault.push(`app${i}:1`, isHonest ? image : (hostility?.apply(image) ?? image));
          }
        };
        push(before, true);
        const first = await site.stage('first', site.root('first', names(before)));
        assert.ok(first.ready, first.said);
        const record = site.record('first');
        const held = site.checkDisk();

        push(after, false);
        fault.plan(planned);
        const second = site.root('second', names(after));
        const run = await site.stage('second', second, hasty);
        const there = site.checkDisk();
        assert.ok(
          [...held].every((digest) => there.has(digest)),
          'nothing earlier is lost',
        );
        assert.equal(site.record('first'), record);
        assert.deepEqual(await site.findings('first'), []);
        for (const secret of secrets) assert.ok(!run.said.includes(secret), run.said);
        if (!run.ready && run.staged !== undefined) {
          assert.notDeepEqual(await site.findings('second'), []);
        }

        fault.plan([]);
        push(after, true);
        const from = registry.requests.length;
        const last = await site.stage('second', second);
        assert.ok(last.ready, last.said);
        assert.deepEqual(await site.findings('second'), []);
        assert.deepEqual(await site.findings('first'), []);
        site.checkDisk();
        onlyMissing(registry.requests.slice(from), after, there);
        const again = registry.requests.length;
        assert.equal((await site.stage('second', second)).staged?.changed, false);
        assert.deepEqual(registry.requests.slice(again), []);
        assert.deepEqual(fault.leaked(), []);
        registry.requests.length = 0;
        elsewhere.requests.length = 0;
        rmSync(directory, { recursive: true });
      }),
    );
  });
}

/** What was whole does not come again, and nothing comes twice. */
function onlyMissing(
  requests: readonly LoggedRequest[],
  images: readonly { readonly options: ImageOptions }[],
  there: ReadonlySet<string>,
): void {
  const bytes = new Map<string, number>();
  for (const { path, bytes: more } of requests) {
    const [, digest] = /\/blobs\/([^?]+)/.exec(path) ?? [];
    if (digest === undefined) continue;
    assert.ok(!there.has(digest), `${digest} was there`);
    bytes.set(digest, (bytes.get(digest) ?? 0) + more);
  }
  const sizes = new Map(images.flatMap(({ options }) => [...buildImage(options).blobs]));
  for (const [digest, count] of bytes) {
    const size = sizes.get(digest)?.length ?? 0;
    // A client that has yet to prove itself gets an error first.
    assert.ok(count <= size + 200, `${count} bytes for the ${size} of ${digest}`);
  }
}
