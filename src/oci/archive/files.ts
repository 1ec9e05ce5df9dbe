import { closeSync } from 'node:fs';
import type { Root } from '../../root/root.ts';
import { MAX_DOCUMENT_BYTES } from '../document.ts';
import { reading } from '../failure.ts';
import { MAX_BROUGHT_INDEX_BYTES } from '../index-json.ts';
import { ARCHIVE, type Place } from './archive.ts';

/** The files of an archive, or of a directory of the same layout. */
export interface Files {
  /** The name of one of the files in messages. */
  called(name: string): string;
  /** The content of a JSON file; undefined if there is none. */
  document(name: string): Buffer | undefined;
  file(name: string): StoredFile | undefined;
  /** The file of a layer of docker's older format. */
  layer(name: string): StoredFile | undefined;
  /** What errors say is found where `file` or `layer` gives nothing. */
  absence(name: string): string;
}

/** A file, with its first bytes. */
export type StoredFile = Omit<Place, 'isPackedLayer'> & { readonly head: Buffer };

/** The files of a directory in a root. Its methods throw `LayoutError`. */
export function directoryFiles(root: Root, directory: string): Files {
  const at = (name: string) => `${directory}/${name}`;
  const file = (name: string): StoredFile | undefined => {
    const path = at(name);
    const opened = reading(ARCHIVE, path, () => root.openFile(path));
    if (opened === undefined) return undefined;
    closeSync(opened.fd);
    return { path, start: 0, size: opened.size, isPacked: false, head: Buffer.alloc(0) };
  };
  return {
    called: at,
    document: (name) => {
      const most = name === 'index.json' ? MAX_BROUGHT_INDEX_BYTES : MAX_DOCUMENT_BYTES;
      return reading(ARCHIVE, at(name), () => root.readFile(at(name), most))?.content;
    },
    file,
    layer: file,
    absence: () => 'none',
  };
}
