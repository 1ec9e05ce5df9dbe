import type { ArchiveName } from '../../image/archive-name.ts';
import type { Root, View } from '../../root/root.ts';
import { damaged, type LayoutOwner, reading } from '../failure.ts';
import { ARCHIVE, type Archive } from './archive.ts';
import { dockerImages } from './docker-archive.ts';
import { directoryFiles, type Files } from './files.ts';
import { directoryImage, ociImages } from './oci-images.ts';
import { tarFiles } from './tar-files.ts';

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
  { transport, path }: Pick<ArchiveName, 'transport' | 'path'>,
  view: View,
): Promise<Archive> {
  if (root.location.startsWith('image:')) {
    throw damaged(UNPACKED, path, 'an archive in a tree on this machine', 'one in an OS image');
  }
  const tree = root.as(view);
  const kind = reading(ARCHIVE, path, () => tree.lookup(path))?.kind;
  if (kind === undefined) throw damaged(MISSING, path, 'an archive', 'nothing');
  const isDirectory = kind === 'directory';
  const wanted = transport === 'oci' || transport === 'dir';
  if (transport !== 'any' && isDirectory !== wanted) {
    const [expected, found] = wanted ? ['a directory', 'a file'] : ['an archive', 'a directory'];
    throw damaged(ARCHIVE, path, expected, found);
  }
  const contents = isDirectory
    ? imagesInDirectory(directoryFiles(tree, path), transport)
    : await imagesInTar(tree, view, await tarFiles(tree, path), transport);
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
  files: Files,
  transport: ArchiveName['transport'],
): Promise<Contents> {
  const isDocker =
    transport === 'any'
      ? files.file('manifest.json') !== undefined
      : transport === 'docker-archive';
  return isDocker ? dockerImages(root, view, files) : ociImages(files);
}
