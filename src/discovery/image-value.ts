import {
  type ArchiveName,
  emptyAtBoot,
  formatArchiveName,
  parseArchiveName,
} from '../image/archive-name.ts';
import { fullName } from '../image/name.ts';
import type { ShortNames } from '../image/short-names.ts';
import type { Fault } from './problem.ts';
import type { ArchivedImages, Reference } from './reference.ts';

/** The full name of an image, or why a text is not one. */
export type ImageValue =
  | { readonly ok: true; readonly image: string }
  | { readonly ok: false; readonly fault: Fault };

/** The transports of containers-transports(5), but for `docker://`, which all plain names imply. */
const transports: ReadonlySet<string> = new Set([
  'atomic',
  'containers-storage',
  'dir',
  'docker-archive',
  'docker-daemon',
  'oci',
  'oci-archive',
  'ostree',
  'sif',
  'tarball',
]);

/** Like `imageOf`, for a value made of private ones: the fault does not quote the value. */
export function privateImageOf(value: string, shortNames: ShortNames): ImageValue {
  const image = imageOf(value, shortNames);
  if (image.ok) return image;
  const { code } = image.fault;
  return {
    ok: false,
    fault: {
      code,
      message: `expected the name of an image once the variables are replaced, found none (${code}); their values are not shown, since not everybody may read the file that holds them`,
      hint: 'look at the file of EnvironmentFile=, or write the image out in the unit',
    },
  };
}

/** The full name of an image as written in a unit, with specifiers and variables replaced. */
export function imageOf(value: string, shortNames: ShortNames): ImageValue {
  const transport = value.slice(0, Math.max(0, value.indexOf(':')));
  if (transports.has(transport)) {
    return {
      ok: false,
      fault: {
        code: 'transport',
        message: `expected an image in a registry, found one with the transport ${transport}:`,
        hint: 'push the image to a registry and name it there',
      },
    };
  }
  if (value.startsWith('sha256:') || /^[0-9a-fA-F]{64}$/.test(value)) {
    return {
      ok: false,
      fault: {
        code: 'image-id',
        message:
          'expected the name of an image, found an ID, by which no registry can find an image',
        hint: 'write REPOSITORY@sha256:DIGEST with the digest of its manifest',
      },
    };
  }
  const result = fullName(value, shortNames);
  if (result.ok) return { ok: true, image: result.name };
  const { code, message, hint } = result;
  return { ok: false, fault: { code, message, hint } };
}

/** A value that names an archive, or why berth can't read the archive. */
export type ArchiveValue =
  | { readonly ok: true; readonly archived: ArchivedImages }
  | { readonly ok: false; readonly fault: Fault };

/**
 * The archive that a value such as `docker-archive:/usr/share/app.tar` names.
 *
 * @returns undefined if the value has no transport of archives.
 */
export function archiveOf(value: string, use: ArchivedImages['use']): ArchiveValue | undefined {
  const archive = parseArchiveName(value);
  return archive === undefined ? undefined : archiveAt(archive, use);
}

/** An archive, unless its path means nothing in the root. */
export function archiveAt(archive: ArchiveName, use: ArchivedImages['use']): ArchiveValue {
  if (!archive.path.startsWith('/')) return { ok: false, fault: relative };
  const top = emptyAtBoot(archive.path);
  if (top === undefined) {
    return { ok: true, archived: { archive, text: formatArchiveName(archive), use } };
  }
  return {
    ok: false,
    fault: {
      code: 'archive',
      message: `expected an archive in the OS tree, found one in ${top}, which no tree brings`,
      hint: 'ship the archive below /usr',
    },
  };
}

/** The part of a reference that names an archive. podman asks no registry then, whatever the policy. */
export function archivedFields(
  archived: ArchivedImages,
  { pull, problems }: Pick<Reference, 'pull' | 'problems'>,
): Pick<Reference, 'archived' | 'pull' | 'problems'> {
  return {
    archived,
    pull: { ...pull, policy: 'missing' },
    problems: problems.filter(({ code }) => code !== 'pull-always'),
  };
}

const relative: Fault = {
  code: 'archive',
  message: 'expected an archive with an absolute path, found another path',
  hint: 'write the path from the root of the OS tree',
};
