import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cri, criOn } from '../../../src/engine/crio/cri.ts';
import { openGrpc } from '../../../src/engine/grpc/transport.ts';
import { CRIO_DROP_IN } from '../../../src/image/crio-drop-in.ts';
import type { CrioStandIn } from '../../support/cri-server.ts';
import type { TestPodman } from '../../support/podman.ts';
import type { Command, Targets } from './command.ts';

/**
 * What the kubelet, crictl, podman on the same storage and an editor of the configuration can do to images of
 * CRI-O. crictl is in no suite of Debian: its rows are its calls of the CRI.
 */
export function crioCommands(
  crio: CrioStandIn,
  podman: TestPodman,
  restart: () => Promise<void>,
): readonly Command[] {
  const byCri = (work: (cri: Cri, targets: Targets) => Promise<unknown>) => ({
    run: async (targets: Targets) => {
      const grpc = openGrpc({ name: 'crio', socket: crio.socket });
      try {
        await work(criOn(grpc), targets);
      } finally {
        grpc.close();
      }
      return true;
    },
  });
  const byPodman = (words: (targets: Targets) => readonly string[]) => ({
    run: async (targets: Targets) => {
      await podman.tryPodman(...words(targets));
      return true;
    },
  });
  const byEditor = (work: () => void) => ({
    run: async () => {
      work();
      assert.equal(crio.reload(), undefined);
      return true;
    },
  });
  return [
    { row: 'crictl rmi NAME', ...byCri((cri, { name }) => cri.remove(name)) },
    { row: 'crictl rmi NAME-OF-TWO', ...byCri((cri, { second }) => cri.remove(second)) },
    { row: 'crictl rmi ID', ...byCri((cri, { id }) => cri.remove(hexOf(id))) },
    { row: 'crictl rmi ID-OF-TWO', ...byCri((cri, { secondId }) => cri.remove(hexOf(secondId))) },
    { row: 'crictl rmi --all', ...byCri((cri) => removeWhere(cri, () => true)) },
    { row: 'crictl rmi --prune', prunes: true, ...byCri(cleanUp) },
    { row: "the kubelet's clean-up", prunes: true, ...byCri(cleanUp) },
    { row: 'podman rmi NAME', ...byPodman(({ name }) => ['rmi', name]) },
    { row: 'podman untag ID-OF-TWO', ...byPodman(({ secondId }) => ['untag', hexOf(secondId)]) },
    { row: 'podman tag OTHER NAME', ...byPodman(({ other, name }) => ['tag', hexOf(other), name]) },
    {
      row: 'podman image prune -af',
      prunes: true,
      ...byPodman(() => ['image', 'prune', '--all', '--force']),
    },
    {
      row: 'rm DROP-IN, then systemctl reload crio',
      ...byEditor(() => rmSync(join(crio.dropIns, CRIO_DROP_IN))),
    },
    {
      row: 'another list in crio.conf.d, then systemctl reload crio',
      ...byEditor(() => writeFileSync(join(crio.dropIns, '50-other'), OTHERS)),
    },
    { row: 'systemctl restart crio', run: async () => (await restart(), true) },
    { row: 'the machine boots', run: async () => (await restart(), true) },
  ];
}

const OTHERS = '[crio.image]\npinned_images = ["registry.example.com/others:1"]\n';

/** Removes what is not pinned, as the kubelet does when its disk fills up, and `crictl rmi --prune`. */
function cleanUp(cri: Cri): Promise<void> {
  return removeWhere(cri, ({ pinned }) => !pinned);
}

async function removeWhere(
  cri: Cri,
  isWanted: (image: { readonly pinned: boolean }) => boolean,
): Promise<void> {
  for (const image of await cri.images()) if (isWanted(image)) await cri.remove(image.id);
}

function hexOf(id: string): string {
  return id.replace(/^sha256:/, '');
}
