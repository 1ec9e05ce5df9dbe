import type { Fault } from '../../problem.ts';
import type { ClusterFiles } from '../cluster-files.ts';

/** Source: wharfie, pkg/tarfile/tarfile.go, `SupportedExtensions`. */
const archives = /\.(?:tar|tar\.(?:lz4|bz2|gz|zst)|tbz|tgz|tzst)$/i;

/**
 * Adds the images in the lists of `agent/images`, which are pulled at the start, and says which
 * archives are imported there.
 *
 * Source: k3s, pkg/agent/containerd/containerd.go, `preloadFile`.
 *
 * @returns whether there is a list or an archive.
 */
export function preloaded(directory: string, files: ClusterFiles): boolean {
  let found = false;
  for (const name of files.names(directory)) {
    const path = `${directory}/${name}`;
    if (/\.txt$/i.test(name)) {
      listed(path, files);
      found = true;
    } else if (archives.test(name) && files.isThere(path)) {
      files.problem(path, undefined, archive);
      found = true;
    }
  }
  return found;
}

/** Adds the images of a list, one name a line. */
function listed(path: string, files: ClusterFiles): void {
  const file = files.read(path);
  file?.text.split('\n').forEach((text, index) => {
    const raw = text.trim();
    if (raw !== '') files.add(file, { raw, line: index + 1, key: 'list', policy: 'missing' });
  });
}

const archive: Fault & { readonly note: true } = {
  code: 'kube-unread',
  message:
    'expected a list of images, found an archive of them, which is imported at every start; berth does not read it',
  hint: 'nothing has to be done: the images of the archive need no network',
  note: true,
};
