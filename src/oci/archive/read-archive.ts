import { type ArchiveName, emptyAtBoot } from '../../image/archive-name.ts';
import type { Root, View } from '../../root/root.ts';
import { damaged, type LayoutOwner, reading } from '../failure.ts';
import { ARCHIVE, type Archive } from './archive.ts';
import { dockerImages } from './docker-archive.ts';
import { directoryFiles, type Files } from './files.ts';
import { directoryImage, ociImages } from './oci-images.ts';
import { dockerFiles, unpackedFiles } from './tar-files.ts';
import { type StoredMember, tarMembers } from './tar-members.ts';

/** Describes archives in an OS image from a registry: berth does not keep files as large as these. */
const UNPACKED: LayoutOwner = {
  ...ARCHIVE,
  hint: 'give the tree of the OS image, unpacked or deployed',
};

const MISSING: LayoutOwner = {
  ...ARCHIVE,
  hint: 'put the archive there, or correct the path where it is named',
};

/**
 * Looks through an archive of a root for the names of its images and the places of their bytes. The
 * archive is as hostile as the root. Layers are read only if the archive is compressed.
 *
 * @throws {LayoutError} if the archive is missing or damaged.
 */
export async function readArchive(
  root: Root,
  name: Omit<ArchiveName, 'ref'>,
  view: View,
): Promise<Archive> {
  const { transport, path } = name;
  if (root.location.startsWith('image:')) {
    throw damaged(UNPACKED, path, 'an archive in a tree on this machine', 'one in an OS image');
  }
  const tree = root.as(view);
  const found = reading(ARCHIVE, path, () => tree.lookup(path));
  if (found === undefined) throw damaged(MISSING, path, 'an archive', 'nothing');
  const { kind, realPath } = found;
  const top = emptyAtBoot(realPath);
  if (top !== undefined) throw damaged(MISSING, path, 'an archive of the OS', `one in ${top}`);
  const isDirectory = kind === 'directory';
  const wanted = transport === 'oci' || transport === 'dir';
  if (transport !== 'any' && isDirectory !== wanted) {
    const [expected, found] = wanted ? ['a directory', 'a file'] : ['an archive', 'a directory'];
    throw damaged(ARCHIVE, path, expected, found);
  }
  const contents = isDirectory
    ? imagesInDirectory(directoryFiles(tree, path), transport)
    : await imagesInTar(tree, view, await tarMembers(tree, path), name);
  return { path, view, ...contents };
}

type Contents = Omit<Archive, 'path' | 'view'>;

/** podman gives images from a directory no name. */
function imagesInDirectory(files: Files, transport: ArchiveName['transport']): Contents {
  const isOci = transport === 'any' ? files.file('index.json') !== undefined : transport === 'oci';
  const contents = isOci ? ociImages(files) : directoryImage(files);
  return { ...contents, images: contents.images.map((image) => ({ ...image, names: [] })) };
}

/** docker writes both formats into one archive; podman then takes the older one. */
async function imagesInTar(
  root: Root,
  view: View,
  members: readonly StoredMember[],
  { transport, path, isUnpacked = false }: Omit<ArchiveName, 'ref'>,
): Promise<Contents> {
  if (transport !== 'oci-archive') {
    const files = isUnpacked ? unpackedFiles(path, members) : dockerFiles(path, members);
    const isDocker = transport === 'docker-archive' || files.file('manifest.json') !== undefined;
    if (isDocker) return dockerImages(root, view, files);
  }
  return ociImages(unpackedFiles(path, members));
}
