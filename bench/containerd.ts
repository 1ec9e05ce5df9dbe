import { join } from 'node:path';
import { prepareContainerd, type TestContainerd } from '../test/support/containerd.ts';
import type { BenchedEngine } from './benched-engine.ts';
import type { Row } from './measure.ts';
import { stageRows } from './stage-rows.ts';
import { verifyRow } from './verify-row.ts';

const containerd: BenchedEngine<TestContainerd> = {
  name: 'containerd',
  pulls: 'ctr images pull',
  start: async (directory, registry) => {
    const engine = prepareContainerd(directory, 'trixie', { insecure: [registry] });
    await engine.restart();
    return engine;
  },
  environment: ({ socket }) => ({ CONTAINERD_ADDRESS: socket }),
  pull: (engine, name) =>
    images(engine, 'pull', '--hosts-dir', join(engine.directory, 'certs.d'), name),
  stop: (engine) => engine.stop(),
};

/** `berth stage` of 8 images into an empty containerd, and `berth verify` of 64, against ctr. */
export async function benchContainerd(directory: string): Promise<Row[]> {
  const staged = await stageRows(directory, containerd);
  const verified = await verifyRow(directory, containerd, {
    command: 'ctr images ls name==NAME',
    look: (engine, name) => images(engine, 'ls', `name==${name}`),
    remove: (engine, name) => images(engine, 'rm', name),
    removed: 'name',
  });
  return [...staged, verified];
}

function images({ ctr }: TestContainerd, ...words: readonly string[]): Promise<unknown> {
  return ctr('--namespace', 'k8s.io', 'images', ...words);
}
