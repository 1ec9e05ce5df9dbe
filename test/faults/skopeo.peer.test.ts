import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { startFaultRegistry, troubles } from '../support/fault-registry.ts';
import { buildImage } from '../support/image-builder.ts';
import { validNames } from '../support/layout-check.ts';
import { holds, isOver } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { hasty, Site } from './site.ts';

const skip = process.env['BERTH_SKIP_PEERS'] === '1' ? 'BERTH_SKIP_PEERS=1' : false;
const run = promisify(execFile);

test('skopeo reads and copies every image of a store that was filled from bad registries', {
  skip,
}, async (t) => {
  const fault = await startFaultRegistry(t);
  const parent = temporaryDirectory(t);
  const names = ['app0:1', 'app1:1', 'app2:1'];
  for (const [i, name] of names.entries()) {
    const layers = [1, 10 + i].map((seed) => ({ bytes: 100_000, seed }));
    fault.push(name, buildImage({ layers }));
  }
  let copied = 0;
  await holds(
    8,
    fc.asyncProperty(troubles, async (planned) => {
      const directory = mkdtempSync(join(parent, 'run-'));
      const site = new Site(directory, fault);
      const root = site.root('root', names);
      fault.plan(planned);
      await site.stage('root', root, hasty);
      for (const [name, digest] of validNames(site.store)) {
        const { stdout } = await run('skopeo', ['inspect', `oci:${site.store}:${name}`]);
        const seen: { readonly Digest: string } = JSON.parse(stdout);
        assert.equal(seen.Digest, digest);
        const copy = join(directory, 'copy');
        const words = [
          '--insecure-policy',
          'copy',
          '-q',
          `oci:${site.store}:${name}`,
          `dir:${copy}`,
        ];
        await run('skopeo', words);
        assert.ok(readFileSync(join(copy, 'manifest.json')).length > 0);
        rmSync(copy, { recursive: true });
        copied++;
      }
      rmSync(directory, { recursive: true });
    }),
  );
  assert.ok(isOver() || copied > 0, 'there was something to copy');
});
