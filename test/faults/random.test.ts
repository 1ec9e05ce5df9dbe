import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { startFaultRegistry, troubles } from '../support/fault-registry.ts';
import { hostilities } from '../support/hostile-image.ts';
import { buildImage } from '../support/image-builder.ts';
import { holds } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { onlyMissing, partsIn } from './only-missing.ts';
import { hasty, login, Site } from './site.ts';

const layer = fc.record({
  bytes: fc.constantFrom(100, 5000, 60_000, 200_000),
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
  test(`whatever registries do (${kind} auth): a clear end, a valid store, and the next run brings the rest`, async (t) => {
    const fault = await startFaultRegistry(t, { auth });
    const { registry, elsewhere } = fault;
    const parent = temporaryDirectory(t);
    await holds(
      25,
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
        const parts = partsIn(site.store);
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
        const blobs = after.flatMap(({ options }) => [...buildImage(options).blobs]);
        onlyMissing(registry.requests.slice(from), new Map(blobs), { whole: there, parts });
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
