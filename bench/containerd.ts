import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeRoot } from '../test/support/berth.ts';
import { prepareContainerd, type TestContainerd } from '../test/support/containerd.ts';
import { buildImage } from '../test/support/image-builder.ts';
import { isolated } from '../test/support/podman.ts';
import { startRegistry } from '../test/support/registry.ts';
import { berth, inTurns, type Row, run, seconds, timed } from './measure.ts';
import { stageRows } from './stage-rows.ts';

const SUITE = 'trixie';
const VERIFIED = 64;
const VERIFY_RUNS = 5;

/** `berth stage` of 8 images into an empty containerd, and `berth verify` of 64, against ctr. */
export async function benchContainerd(directory: string): Promise<Row[]> {
  const against = 'ctr images pull, one after the other';
  const staged = await stageRows(directory, { name: 'containerd', against, setUp });
  return [...staged, await verifyRow(directory)];
}

async function verifyRow(directory: string): Promise<Row> {
  const registry = await startRegistry();
  const place = join(directory, 'containerd-verify');
  mkdirSync(place);
  const containerd = prepareContainerd(place, SUITE, { insecure: [registry.host] });
  try {
    await containerd.restart();
    const names = Array.from({ length: VERIFIED }, (_, i) => `app${i}:1`);
    for (const [i, name] of names.entries()) {
      const own = { bytes: 1000, seed: 100 + i };
      registry.push(name, buildImage({ layers: [{ bytes: 1000, seed: 1 }, own] }));
    }
    const environment = environmentOf(containerd, registry.host);
    const root = writeOs(join(place, 'os'), registry.host, names);
    await run({ program: berth, words: ['stage', '--id', 'os', root], environment });
    const verify = { program: berth, words: ['verify', 'os'], environment };
    const [ours = 0, theirs = 0] = await inTurns(VERIFY_RUNS, [
      () => timed(verify),
      async () => {
        const begun = performance.now();
        for (const name of names) await ctr(containerd, 'ls', `name==${registry.host}/${name}`);
        return (performance.now() - begun) / 1000;
      },
    ]);
    await ctr(containerd, 'rm', `${registry.host}/${names[0]}`);
    await run(verify, 3);
    return {
      work: `verify of ${VERIFIED} images on containerd`,
      against: `${VERIFIED} × ctr images ls name==NAME`,
      berth: seconds(ours),
      peer: seconds(theirs),
      ratio: ours / theirs,
      limit: 0.1,
      remark: 'answers 3 with one name removed',
    };
  } finally {
    await containerd.stop();
    await registry.close();
  }
}

function setUp(directory: string, host: string, names: readonly string[]) {
  mkdirSync(directory, { recursive: true });
  const root = writeOs(join(directory, 'root'), host, names);
  /** In an empty containerd each time. */
  const fresh = async (work: (containerd: TestContainerd) => Promise<number>) => {
    const place = mkdtempSync(join(directory, 'c-'));
    const containerd = prepareContainerd(place, SUITE, { insecure: [host] });
    try {
      await containerd.restart();
      return await work(containerd);
    } finally {
      await containerd.stop();
      rmSync(place, { recursive: true, force: true });
    }
  };
  return {
    berth: () =>
      fresh((containerd) =>
        timed({
          program: berth,
          words: ['stage', '--progress', 'none', '--id', 'os', root],
          environment: environmentOf(containerd, host),
        }),
      ),
    pull: () =>
      fresh(async (containerd) => {
        const begun = performance.now();
        const hosts = join(containerd.directory, 'certs.d');
        for (const name of names) {
          await ctr(containerd, 'pull', '--hosts-dir', hosts, `${host}/${name}`);
        }
        return (performance.now() - begun) / 1000;
      }),
  };
}

function writeOs(root: string, host: string, names: readonly string[]): string {
  const list = names.map((name) => `${host}/${name}\n`).join('');
  return writeRoot(root, { 'usr/lib/berth/images.d/os.list': `# engine: containerd\n${list}` });
}

function environmentOf({ directory, socket }: TestContainerd, host: string): NodeJS.ProcessEnv {
  return {
    ...isolated(directory, [host]),
    BERTH_STATE_DIR: join(directory, 'state'),
    CONTAINERD_ADDRESS: socket,
  };
}

async function ctr({ ctr: program }: TestContainerd, ...words: string[]): Promise<void> {
  await program('--namespace', 'k8s.io', 'images', ...words);
}
