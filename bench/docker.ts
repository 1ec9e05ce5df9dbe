import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeRoot } from '../test/support/berth.ts';
import { prepareDocker, type TestDocker } from '../test/support/docker.ts';
import { buildImage } from '../test/support/image-builder.ts';
import { isolated } from '../test/support/podman.ts';
import { startRegistry } from '../test/support/registry.ts';
import { berth, inTurns, type Row, run, seconds, timed } from './measure.ts';
import { stageRows } from './stage-rows.ts';

const SUITE = 'trixie';
const VERIFIED = 64;
const VERIFY_RUNS = 5;

/** `berth stage` of 8 images into an empty docker, and `berth verify` of 64, against docker's own program. */
export async function benchDocker(directory: string): Promise<Row[]> {
  const against = 'docker pull, one after the other';
  const staged = await stageRows(directory, { name: 'docker', against, setUp });
  return [...staged, await verifyRow(directory)];
}

async function verifyRow(directory: string): Promise<Row> {
  const registry = await startRegistry();
  const place = join(directory, 'docker-verify');
  mkdirSync(place);
  const docker = prepareDocker(place, { suite: SUITE });
  try {
    await docker.restart();
    const names = Array.from({ length: VERIFIED }, (_, i) => `app${i}:1`);
    for (const [i, name] of names.entries()) {
      const own = { bytes: 1000, seed: 100 + i };
      registry.push(name, buildImage({ layers: [{ bytes: 1000, seed: 1 }, own] }));
    }
    const environment = environmentOf(docker, registry.host);
    const root = writeOs(join(place, 'os'), registry.host, names);
    await run({ program: berth, words: ['stage', '--id', 'os', root], environment });
    const verify = { program: berth, words: ['verify', 'os'], environment };
    const [ours = 0, theirs = 0] = await inTurns(VERIFY_RUNS, [
      () => timed(verify),
      async () => {
        const begun = performance.now();
        for (const name of names)
          await docker.docker('image', 'inspect', `${registry.host}/${name}`);
        return (performance.now() - begun) / 1000;
      },
    ]);
    await docker.docker('rmi', '--force', `${registry.host}/${names[0]}`);
    await run(verify, 3);
    return {
      work: `verify of ${VERIFIED} images on docker`,
      against: `${VERIFIED} × docker image inspect`,
      berth: seconds(ours),
      peer: seconds(theirs),
      ratio: ours / theirs,
      limit: 0.1,
      remark: 'answers 3 with one image removed',
    };
  } finally {
    await docker.kill();
    await registry.close();
  }
}

function setUp(directory: string, host: string, names: readonly string[]) {
  mkdirSync(directory, { recursive: true });
  const root = writeOs(join(directory, 'root'), host, names);
  /** In an empty docker each time. */
  const fresh = async (work: (docker: TestDocker) => Promise<number>) => {
    const place = mkdtempSync(join(directory, 'd-'));
    const docker = prepareDocker(place, { suite: SUITE });
    try {
      await docker.restart();
      return await work(docker);
    } finally {
      await docker.kill();
      rmSync(place, { recursive: true, force: true });
    }
  };
  return {
    berth: () =>
      fresh((docker) =>
        timed({
          program: berth,
          words: ['stage', '--progress', 'none', '--id', 'os', root],
          environment: environmentOf(docker, host),
        }),
      ),
    pull: () =>
      fresh(async (docker) => {
        const begun = performance.now();
        for (const name of names) await docker.docker('pull', '--quiet', `${host}/${name}`);
        return (performance.now() - begun) / 1000;
      }),
  };
}

function writeOs(root: string, host: string, names: readonly string[]): string {
  const list = names.map((name) => `${host}/${name}\n`).join('');
  return writeRoot(root, { 'usr/lib/berth/images.d/os.list': `# engine: docker\n${list}` });
}

function environmentOf({ directory, socket }: TestDocker, host: string): NodeJS.ProcessEnv {
  return {
    ...isolated(directory, [host]),
    BERTH_STATE_DIR: join(directory, 'state'),
    DOCKER_HOST: `unix://${socket}`,
  };
}
