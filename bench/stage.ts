import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { mapLimited } from '../src/common/limited.ts';
import { newestSkopeoWords } from '../test/support/skopeo.ts';
import { startDockerRegistry } from './docker-registry.ts';
import {
  inTurns,
  megabytes,
  peakMemory,
  processorTime,
  type Row,
  run,
  seconds,
} from './measure.ts';
import { type BenchImage, fill, type Peers, setUpPeers } from './peers.ts';
import { startSlowLink } from './slow-link.ts';

const IMAGES = 8;
const RUNS = 5;
/** Each takes half a minute. */
const RUNS_OVER_LINK = 1;
const ROUND_TRIP = 30;
const BITS_PER_SECOND = 200e6;

const NEWEST = 'skopeo of forky';

/** `berth stage` of 8 images, 300 MB in 18 blobs, into an empty store. */
export async function benchStage(directory: string): Promise<Row[]> {
  const registry = await startDockerRegistry(join(directory, 'registry'));
  try {
    const names = images().map(({ name }) => name);
    const blobs = await fill(registry.host, images());
    return [
      ...(await onLoopback(join(directory, 'loopback'), registry.host, names, blobs)),
      ...(await overLink(join(directory, 'link'), registry.host, names)),
    ];
  } finally {
    await registry.stop();
  }
}

/** Two shared layers and two layers of each image's own. */
function images(): BenchImage[] {
  return Array.from({ length: IMAGES }, (_, i) => ({
    name: `bench/app${i}:1`,
    layers: [
      { bytes: 50_000_000, seed: 1 },
      { bytes: 10_000_000, seed: 2 },
      { bytes: 25_000_000 + i * 1_000_000, seed: 10 + i },
      { bytes: 2_000_000, seed: 100 + i },
    ],
  }));
}

async function onLoopback(
  directory: string,
  host: string,
  names: readonly string[],
  blobs: readonly string[],
): Promise<Row[]> {
  const peers = setUpPeers(directory, host, names);
  const limit = () => curlAndHash(join(directory, 'curl'), host, blobs);
  const newest = setUpPeers(join(directory, 'newest'), host, names, newestSkopeoWords());
  const ways = [peers.berth, limit, peers.copy, peers.sync, newest.copy];
  const [ours = 0, curl = 0, copy = 0, sync = 0, newCopy = 0] = await inTurns(RUNS, ways);
  const busy = [peers.berth, peers.copy, newest.copy].map(processorTime);
  const [cpu = 0, oldCpu = 0, newCpu = 0] = await inTurns(RUNS, busy);
  await peers.berth();
  const checked = await checkDigests(peers);
  peers.clear();
  const peak = await peakMemory(peers.command);
  peers.clear();
  const row = { berth: seconds(ours), work: 'the same' };
  return [
    {
      ...row,
      work: `stage of ${IMAGES} images, 300 MB, to an empty store, loopback`,
      against: 'curl and sha256sum of the same blobs, 4 at a time',
      peer: seconds(curl),
      ratio: ours / curl,
      limit: 1.1,
      remark: `${checked} blobs checked`,
    },
    {
      ...row,
      against: 'skopeo copy, one after the other',
      peer: seconds(copy),
      ratio: ours / copy,
      limit: 0.8,
    },
    {
      ...row,
      against: `${NEWEST} copy, one after the other`,
      peer: seconds(newCopy),
      ratio: ours / newCopy,
      limit: 0.8,
    },
    { ...row, against: 'skopeo sync', peer: seconds(sync), ratio: ours / sync, limit: 0.91 },
    ...[
      { against: 'skopeo copy', theirs: oldCpu },
      { against: `${NEWEST} copy`, theirs: newCpu },
    ].map(({ against, theirs }) => ({
      work: 'the same, processor time',
      against,
      berth: seconds(cpu),
      peer: seconds(theirs),
      ratio: cpu / theirs,
      limit: 1,
    })),
    {
      work: 'the same, peak memory',
      against: '200 MB',
      berth: megabytes(peak),
      peer: '200 MB',
      ratio: peak / 200e6,
      limit: 1,
    },
  ];
}

async function overLink(directory: string, target: string, names: readonly string[]) {
  const options = { target, roundTrip: ROUND_TRIP, bitsPerSecond: BITS_PER_SECOND };
  const link = await startSlowLink(options);
  try {
    const peers = setUpPeers(directory, link.host, names);
    await link.bytes();
    await peers.berth();
    const bare = ((await link.bytes()) * 8) / BITS_PER_SECOND;
    const newest = setUpPeers(join(directory, 'newest'), link.host, names, newestSkopeoWords());
    const ways = [peers.berth, peers.copy, peers.sync, newest.copy];
    const [ours = 0, copy = 0, sync = 0, newCopy = 0] = await inTurns(RUNS_OVER_LINK, ways, 0);
    peers.clear();
    newest.clear();
    const row = { berth: seconds(ours), work: 'the same' };
    return [
      {
        ...row,
        work: `stage of the same, ${ROUND_TRIP} ms and 200 Mbit/s`,
        against: 'skopeo sync',
        peer: seconds(sync),
        ratio: ours / sync,
        limit: 0.5,
      },
      {
        ...row,
        against: 'skopeo copy, one after the other',
        peer: seconds(copy),
        ratio: ours / copy,
        limit: 0.91,
      },
      {
        ...row,
        against: `${NEWEST} copy, one after the other`,
        peer: seconds(newCopy),
        ratio: ours / newCopy,
        limit: 0.91,
      },
      {
        ...row,
        against: 'as many bytes at the rate of the link',
        peer: seconds(bare),
        ratio: ours / bare,
        limit: 1.1,
      },
    ];
  } finally {
    await link.stop();
  }
}

/** What no client can beat by much: the blobs and nothing else, on both processors. */
async function curlAndHash(
  directory: string,
  host: string,
  blobs: readonly string[],
): Promise<number> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const begun = performance.now();
  await mapLimited(blobs, 4, async (path) => {
    const file = join(directory, path.slice(-64));
    await run({ program: 'curl', words: ['-sSf', '-o', file, `http://${host}${path}`] });
    await run({ program: 'sha256sum', words: [file] });
  });
  return (performance.now() - begun) / 1000;
}

/** @returns how many blobs there are, each of which has been hashed anew. */
async function checkDigests({ store }: Peers): Promise<number> {
  const directory = join(store, 'blobs/sha256');
  const names = readdirSync(directory);
  for (const name of names) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(directory, name)), hash);
    if (hash.digest('hex') !== name) throw new Error(`the blob ${name} is not what it is called`);
  }
  return names.length;
}
