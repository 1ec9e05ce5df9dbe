import { prepareDocker, type TestDocker } from '../test/support/docker.ts';
import type { BenchedEngine } from './benched-engine.ts';
import type { Row } from './measure.ts';
import { stageRows } from './stage-rows.ts';
import { verifyRow } from './verify-row.ts';

const docker: BenchedEngine<TestDocker> = {
  name: 'docker',
  pulls: 'docker pull',
  start: async (directory) => {
    const engine = prepareDocker(directory, { suite: 'trixie' });
    await engine.restart();
    return engine;
  },
  environment: ({ socket }) => ({ DOCKER_HOST: `unix://${socket}` }),
  pull: (engine, name) => engine.docker('pull', '--quiet', name),
  stop: (engine) => engine.kill(),
};

/** `berth stage` of 8 images into an empty docker, and `berth verify` of 64, against docker's own program. */
export async function benchDocker(directory: string): Promise<Row[]> {
  const staged = await stageRows(directory, docker);
  const verified = await verifyRow(directory, docker, {
    command: 'docker image inspect',
    look: (engine, name) => engine.docker('image', 'inspect', name),
    remove: (engine, name) => engine.docker('rmi', '--force', name),
    removed: 'image',
  });
  return [...staged, verified];
}
