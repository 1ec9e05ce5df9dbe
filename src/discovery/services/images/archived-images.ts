import { posix } from 'node:path';
import { type ArchiveValue, archiveAt, archivedFields, archiveOf } from '../../image-value.ts';
import type { Fault } from '../../problem.ts';
import type { Reference } from '../../reference.ts';
import type { CommandPull } from '../command-pull.ts';
import type { ContainerCommand } from '../read-command.ts';
import { pathFault, placeOf, problemAt, type ServicePlace } from '../service-place.ts';
import type { Word } from '../words.ts';

/** The archive that podman itself takes an image from; undefined if the word names none. */
export function archiveTaken(
  word: Word,
  { program, kind }: ContainerCommand,
): ArchiveValue | undefined {
  if (program !== 'podman' || word.fault !== undefined || word.isPrivate === true) return undefined;
  if (kind === 'run') return archiveOf(word.text, 'at-start');
  return kind === 'pull' ? archiveOf(word.text, 'into-engine') : undefined;
}

/**
 * The file of `podman load`, `docker load` or `ctr images import`. Only ctr takes the file as an argument;
 * the others read their standard input if they have no option.
 */
export function loadedFile(
  { program, options, rest }: ContainerCommand,
  { inputFile }: ServicePlace,
): Word | undefined {
  const given =
    program === 'ctr' ? rest[0] : options.findLast(({ name }) => name === 'input')?.value;
  if (program === 'ctr') return given?.text === '-' ? inputFile : given;
  return given ?? inputFile;
}

/** The archive from which a command loads. Its format is not given: the command finds it out itself. */
export function archiveLoaded(
  file: Word,
  { program }: ContainerCommand,
  place: ServicePlace,
): ArchiveValue {
  if (file.text === '-') return { ok: false, fault: noArchive };
  const fault = file.fault ?? (file.isPrivate === true ? privatePath : pathFault(place, file.text));
  if (fault !== undefined) return { ok: false, fault };
  const path = posix.resolve('/', place.directory, file.text);
  const isUnpacked = program !== 'podman';
  return archiveAt({ transport: 'any', path, isUnpacked }, 'into-engine');
}

/** A reference to the images of an archive. */
export function referenceToArchive(
  raw: string,
  archived: ArchiveValue,
  { options, faults }: CommandPull,
  place: ServicePlace,
): Reference {
  const { path, line, key } = place.entry;
  const all = [...(archived.ok ? [] : [archived.fault]), ...faults];
  const common = { pull: options, problems: all.map((fault) => problemAt(place, fault)) };
  const fields = archived.ok ? archivedFields(archived.archived, common) : common;
  return { ...placeOf(place), raw, path, line, key, ...fields };
}

const hint = 'name a file of the OS tree, or name the image in a list of /usr/lib/berth/images.d';

export const noArchive: Fault = {
  code: 'command-line',
  message: 'expected a file from which images are loaded, found none in the command line',
  hint,
};

const privatePath: Fault = {
  code: 'archive',
  message: 'expected a path that everybody may read, found one from a private file',
  hint,
};
