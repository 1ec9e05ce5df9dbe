import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { buildImage } from '../test/support/image-builder.ts';
import { startRegistry } from '../test/support/registry.ts';
import { startDockerRegistry } from './docker-registry.ts';
import { berth, compare, megabytes, peakMemory, type Row, run, seconds, timed } from './measure.ts';

const IMAGES = 8;
const RUNS = 5;

/** `berth stage` of 8 images, 300 MB in 18 blobs, against skopeo, one image after the other. */
export async function benchStage(directory: string): Promise<Row[]> {
  const registry = await startDockerRegistry(join(directory, 'registry'));
  try {
    const names = await fill(registry.host);
    const bench = setUp(directory, registry.host, names);
    const { ours, theirs } = await compare(RUNS, bench.berth, bench.skopeo);
    const blobs = await checkDigests(bench.layout);
    rmSync(bench.layout, { recursive: true });
    const peak = await peakMemory(bench.command);
    return [
      {
        work: `stage of ${IMAGES} images to an empty store, loopback`,
        against: 'skopeo copy, one after the other',
        berth: seconds(ours),
        peer: seconds(theirs),
        ratio: ours / theirs,
        limit: 1,
        remark: `${blobs} blobs checked`,
      },
      {
        work: 'the same, peak memory',
        against: '200 MB',
        berth: megabytes(peak),
        peer: '200 MB',
        ratio: peak / 200e6,
        limit: 1,
      },
    ];
  } finally {
    await registry.stop();
  }
}

/** Two shared layers and two layers of each image's own, pushed by skopeo. */
async function fill(host: string): Promise<string[]> {
  const source = await startRegistry();
  try {
    const names = Array.from({ length: IMAGES }, (_, i) => `bench/app${i}:1`);
    for (const [i, name] of names.entries()) {
      const shared = [
        { bytes: 50_000_000, seed: 1 },
        { bytes: 10_000_000, seed: 2 },
      ];
      const own = [
        { bytes: 25_000_000 + i * 1_000_000, seed: 10 + i },
        { bytes: 2_000_000, seed: 100 + i },
      ];
      source.push(name, buildImage({ layers: [...shared, ...own] }));
      const flags = ['--src-tls-verify=false', '--dest-tls-verify=false'];
      const [from, to] = [`docker://${source.host}/${name}`, `docker://${host}/${name}`];
      await run({ program: 'skopeo', words: ['copy', '-q', ...flags, from, to] });
    }
    return names;
  } finally {
    await source.close();
  }
}

function setUp(directory: string, host: string, names: readonly string[]) {
  const root = join(directory, 'stage-root');
  const units = join(root, 'usr/share/containers/systemd');
  const config = join(directory, 'home/.config/containers');
  for (const path of [units, config]) mkdirSync(path, { recursive: true });
  for (const [i, name] of names.entries()) {
    writeFileSync(join(units, `app${i}.container`), `[Container]\nImage=${host}/${name}\n`);
  }
  const registries = join(directory, 'registries.conf');
  writeFileSync(registries, `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
  writeFileSync(join(config, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  const state = join(directory, 'stage-state');
  const environment = {
    HOME: join(directory, 'home'),
    CONTAINERS_REGISTRIES_CONF: registries,
    BERTH_STATE_DIR: state,
  };
  const words = ['stage', '--engine', 'store', '--bind', 'all', '--progress', 'none', root];
  const command = { program: berth, words, environment };
  const layout = join(directory, 'skopeo-layout');
  return {
    command,
    layout: join(state, 'store'),
    berth: async () => {
      rmSync(state, { recursive: true, force: true });
      return timed(command);
    },
    skopeo: async () => {
      rmSync(layout, { recursive: true, force: true });
      let total = 0;
      for (const name of names) {
        const places = [`docker://${host}/${name}`, `oci:${layout}:${name}`];
        const words = ['copy', '-q', '--src-tls-verify=false', ...places];
        total += await timed({ program: 'skopeo', words, environment });
      }
      return total;
    },
  };
}

/** @returns how many blobs there are, each of which has been hashed anew. */
async function checkDigests(layout: string): Promise<number> {
  const directory = join(layout, 'blobs/sha256');
  const names = readdirSync(directory);
  for (const name of names) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(directory, name)), hash);
    if (hash.digest('hex') !== name) throw new Error(`the blob ${name} is not what it is called`);
  }
  return names.length;
}
