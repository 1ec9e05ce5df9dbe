import { rmSync } from 'node:fs';
import type * as v from 'valibot';
import { readNote, writeStateFile } from './state-file.ts';

/** A file of the state directory that berth can do without: `activation.json`, `gate.json`, … */
export interface Note<T> {
  /**
   * @returns undefined if the file is not there, or says nothing that can be understood: the next
   * write makes it anew.
   * @throws {BerthError} `state-directory` if it can't be read.
   */
  read(): T | undefined;
  /** @throws {BerthError} `state-directory` */
  write(content: T): void;
  forget(): void;
}

/**
 * @param read what the file says, from its document; undefined if that tells nothing.
 * @param document the document that is written.
 */
export function noteAt<S extends v.GenericSchema, T>(
  path: string,
  schema: S,
  read: (document: v.InferOutput<S>) => T | undefined,
  document: (content: T) => object,
): Note<T> {
  return {
    read: () => {
      const found = readNote(path, schema);
      return found === undefined ? undefined : read(found);
    },
    write: (content) => {
      writeStateFile(path, `${JSON.stringify(document(content), undefined, 2)}\n`);
    },
    forget: () => rmSync(path, { force: true }),
  };
}
