import { type Dirent, opendirSync } from 'node:fs';
import { nameFromBytes, nameToBytes } from '../common/path-bytes.ts';
import type { Directory } from './directories.ts';
import { tooManyEntries } from './read-error.ts';
import type { Entry, EntryKind } from './root.ts';

export const maxEntries = 65_536;

/**
 * The entries of an open directory, sorted by the bytes of their names. Also notes in `directory`
 * which of them are regular files. If a file system does not report kinds, Node looks at each entry.
 *
 * @param path the name of the directory in errors.
 * @throws {RootError}
 */
export function entriesOf(directory: Directory, path: string): readonly Entry[] {
  const read = readEntries(directory, path, 'utf8');
  // Node replaces bytes that are not UTF-8 by U+FFFD. Reading all names as `latin1` avoids that, but
  // takes twice as long, so only such rare directories are read again.
  const lossy = read.some(({ name }) => name.includes('\uFFFD'));
  const entries = lossy
    ? readEntries(directory, path, 'latin1').map(({ name, kind }) => ({
        name: nameFromBytes(Buffer.from(name, 'latin1')),
        kind,
      }))
    : read;
  directory.files = new Set(entries.filter(({ kind }) => kind === 'file').map(({ name }) => name));
  return sortByBytes(entries);
}

function readEntries(directory: Directory, path: string, encoding: 'utf8' | 'latin1'): Entry[] {
  using open = opendirSync(`/proc/self/fd/${directory.fd}`, { encoding });
  const entries: Entry[] = [];
  for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
    if (entries.length === maxEntries) throw tooManyEntries(path, maxEntries);
    entries.push({ name: entry.name, kind: kindOf(entry) });
  }
  return entries;
}

function kindOf(entry: Dirent): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/** Sorts by bytes of UTF-8. UTF-16 has the same order, except for units from U+D800 up. */
export function sortByBytes(entries: Entry[]): Entry[] {
  if (!entries.some(({ name }) => /[\uD800-\uFFFF]/.test(name)))
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries
    .map((entry) => ({ entry, bytes: nameToBytes(entry.name) }))
    .sort((a, b) => a.bytes.compare(b.bytes))
    .map(({ entry }) => entry);
}
