import { posix } from 'node:path';
import { damaged } from '../failure.ts';
import { ARCHIVE } from './archive.ts';
import type { Files } from './files.ts';
import type { StoredMember } from './tar-members.ts';

/**
 * The files of an archive in docker's older format as podman and skopeo find them there: the first member
 * of a name counts, `/a` and `a` are two names, a hard link is an empty file, and one link is followed, but
 * not for a layer, of which no bytes are expected then.
 *
 * Source: github.com/containers/image, docker/internal/tarfile, tried with podman 4.3.1 and skopeo 1.18.
 */
export function dockerFiles(path: string, members: readonly StoredMember[]): Files {
  const first = new Map<string, StoredMember>();
  for (const member of members) {
    const name = cleaned(member.path);
    if (!first.has(name)) first.set(name, member);
  }
  const found = (name: string): StoredMember | undefined => {
    const member = first.get(cleaned(name));
    if (member?.type !== 'link') return member;
    return first.get(cleaned(posix.join(posix.dirname(cleaned(name)), member.target)));
  };
  return {
    called: (name) => `${path}, ${name}`,
    document: (name) => found(name)?.document,
    file: (name) => found(name)?.file,
    layer: (name) => first.get(cleaned(name))?.file,
    absence: (name) => absences.get(first.get(cleaned(name))?.type ?? 'file') ?? 'none',
  };
}

const absences: ReadonlyMap<StoredMember['type'], string> = new Map([
  ['link', 'a link that podman does not follow'],
  ['hard-link', 'a hard link, which is an empty file to podman'],
]);

/**
 * The files of an archive as they lie when it was unpacked: the last member of a name counts, and links
 * lead to other files of the archive. podman unpacks OCI layouts; docker and containerd unpack all archives.
 *
 * Source: github.com/containers/storage, pkg/archive, `Unpack`, tried with skopeo 1.18.
 *
 * @throws {LayoutError} for what can't be unpacked.
 */
export function unpackedFiles(path: string, members: readonly StoredMember[]): Files {
  const last = new Map<string, StoredMember>();
  for (const member of members) {
    const name = inside(path, member.path);
    last.set(name, member.type === 'hard-link' ? linked(path, member, last) : member);
  }
  for (const { path: name, type, target } of members) {
    if (type === 'link') inside(path, posix.join(posix.dirname(cleaned(name)), target));
  }
  const found = (name: string): StoredMember | undefined => {
    let at = cleaned(name);
    for (let links = 0; links < MAX_LINKS; links++) {
      const member = last.get(at);
      // The target of an absolute link is not in the archive.
      if (member?.type !== 'link' || member.target.startsWith('/')) return member;
      at = posix.join(posix.dirname(at), member.target);
    }
    return undefined;
  };
  return {
    called: (name) => `${path}, ${name}`,
    document: (name) => found(name)?.document,
    file: (name) => found(name)?.file,
    layer: (name) => found(name)?.file,
    absence: () => 'none',
  };
}

/** As the kernel, which refuses longer chains of links. */
const MAX_LINKS = 40;

function linked(
  path: string,
  { path: name, target }: StoredMember,
  earlier: ReadonlyMap<string, StoredMember>,
): StoredMember {
  const member = earlier.get(inside(path, target));
  if (member !== undefined) return member;
  throw damaged(ARCHIVE, path, `the file ${target} before its hard link ${name}`, 'none');
}

/** A path without `.`, `..` and a slash at its start. */
function inside(path: string, name: string): string {
  const plain = cleaned(name);
  if (plain === '..' || plain.startsWith('../')) {
    throw damaged(ARCHIVE, path, 'files and links inside the archive', name);
  }
  return plain.replace(/^\//, '');
}

/** A path as Go's `path.Clean` writes it. */
function cleaned(path: string): string {
  return posix.normalize(path).replace(/(?<=[^/])\/$/, '');
}
