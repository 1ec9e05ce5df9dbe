import type { ClusterFiles } from './cluster-files.ts';
import type { Player } from './pull-policy.ts';
import { workloadImages } from './workload-images.ts';

/**
 * Adds the images of the pods that the kubelet runs from `path`: from this file, or from the files in
 * this directory whose names do not begin with a dot. Subdirectories are not read.
 *
 * Source: kubernetes, pkg/kubelet/config/file.go.
 */
export async function podsOfKubelet(path: string, files: ClusterFiles): Promise<void> {
  if (files.kindOf(path) === 'other') return manifest(path, 'kubelet', files);
  for (const name of files.names(path)) {
    const at = `${path}/${name}`;
    if (name.startsWith('.') || files.kindOf(at) === 'directory') continue;
    await manifest(at, 'kubelet', files);
  }
}

/** Adds the images of the manifests in a file. */
export async function manifest(path: string, player: Player, files: ClusterFiles): Promise<void> {
  const file = files.read(path);
  if (file === undefined) return;
  const found = await workloadImages(file.text, { player });
  for (const fault of found.faults) files.problem(file.path, fault.line, fault);
  for (const image of found.images) files.add(file, image);
}
