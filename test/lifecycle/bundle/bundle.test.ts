import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import * as v from 'valibot';
import * as schemas from '../../../src/cli/schemas.ts';
import { sha256 } from '../../../src/image/digest.ts';
import { hostPlatform } from '../../../src/image/platform.ts';
import type { Binding } from '../../../src/lifecycle/bindings.ts';
import { bundleArchive } from '../../../src/lifecycle/bundle/archive.ts';
import { planBundle } from '../../../src/lifecycle/bundle/plan.ts';
import { openRegistry } from '../../../src/registry/client.ts';
import { tarEntries } from '../../../src/root/tar-entries.ts';
import { container, type Machine, startMachine, writeRoot } from '../../support/berth.ts';
import { buildImage, type ImageOptions } from '../../support/image-builder.ts';
import { holds } from '../../support/property.ts';
import { skipMounts, smallFileSystem } from '../../support/small-file-system.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { startSite } from './site.ts';

const host = 'registry.example.com';
const platforms = ['linux/amd64', 'linux/arm64'];
const main = resolve(import.meta.dirname, '../../../src/cli/main.ts');

interface Lab {
  readonly machine: Machine;
  readonly root: string;
  /** Where a bundle goes. */
  readonly file: string;
}

/** A root with two images of several megabytes, which don't compress. */
async function startLab(t: TestContext): Promise<Lab> {
  const machine = await startMachine(t);
  const image = (seed: number, more: Partial<ImageOptions> = {}) =>
    buildImage({
      layers: [
        { bytes: 2_000_000, seed: 1 },
        { bytes: 1_000_000, seed },
      ],
      ...more,
    });
  machine.registry.push('web:1', image(2, { platforms }));
  machine.registry.push('api:1', image(3));
  const root = writeRoot(join(machine.directory, 'os'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  return { machine, root, file: join(machine.directory, 'site.tar.zst') };
}

async function made({ machine, root, file }: Lab, ...words: string[]): Promise<Buffer> {
  const { code, stderr } = await machine.berth('bundle', root, '--output', file, ...words);
  assert.equal(code, 0, stderr);
  return readFileSync(file);
}

/** Turns a machine into a site that has nothing yet. */
function asSite(machine: Machine, state = join(machine.directory, 'site')): string {
  machine.environment['BERTH_STATE_DIR'] = state;
  return state;
}

function storedIn(state: string): readonly string[] {
  const blobs = join(state, 'store/blobs/sha256');
  return existsSync(blobs) ? readdirSync(blobs) : [];
}

async function membersOf(bundle: Buffer): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  const bytes = (async function* () {
    yield zstdDecompressSync(bundle);
  })();
  for await (const entry of tarEntries(bytes)) {
    assert.ok(!members.has(entry.path));
    members.set(entry.path, Buffer.from(await entry.read(entry.size)));
  }
  return members;
}

test('the same images give the same bytes, from a registry and from the store; the lock is the lock', async (t) => {
  const lab = await startLab(t);
  const first = await made(lab);
  const members = await membersOf(first);
  const paths = [...members.keys()];
  assert.deepEqual(paths.slice(0, 4), ['oci-layout', 'index.json', 'lock.json', 'bundle.json']);
  for (const [path, content] of [...members].slice(4)) {
    assert.equal(path, `blobs/${sha256(content).replace(':', '/')}`);
  }
  await lab.machine.berth('stage', lab.root, '--engine', 'store');
  const asked = lab.machine.registry.requests.length;
  assert.deepEqual(await made(lab), first);
  const layers = lab.machine.registry.requests.slice(asked).filter(({ path }) => {
    const digest = /\/blobs\/(sha256:.*)/.exec(path)?.[1];
    return (members.get(`blobs/${digest?.replace(':', '/')}`)?.length ?? 0) > 100_000;
  });
  assert.deepEqual(layers, [], 'what the store has is not downloaded');
  await lab.machine.berth('lock', lab.root);
  const lock = readFileSync(join(lab.root, 'usr/lib/berth/lock.json'));
  assert.deepEqual(members.get('lock.json'), lock);
  assert.deepEqual(await made(lab), first, 'also of a root with a lock');
  await lab.machine.berth('ship', lab.root);
  await lab.machine.registry.close();
  assert.deepEqual(await made(lab), first, 'also of what the root ships');
});

test('what is bundled is what is loaded, blob for blob', async (t) => {
  const machine = await startMachine(t);
  const registry = openRegistry({
    conf: {
      ...(await import('../../../src/registry/registries-conf.ts')).emptyConf,
    },
    credentials: async () => undefined,
    policy: () => ({ default: [{ type: 'insecureAcceptAnything' }], transports: {} }),
  });
  t.after(() => registry.close());
  const layer = fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), seed: fc.nat(5) });
  const image = fc.record({
    layers: fc.array(layer, { minLength: 1, maxLength: 4 }),
    platforms: fc.constantFrom(undefined, platforms),
    format: fc.constantFrom('oci' as const, 'docker' as const),
  });
  void machine;
  void image;
});
