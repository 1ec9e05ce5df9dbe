import type { ReadKeyFile } from './judged.ts';

/** Where a key of a requirement lies: in a file, or in the policy itself. */
export type KeySource = { readonly path: string } | { readonly data: Buffer };

/** A key file as it was read. */
export interface KeyText {
  readonly content: Buffer;
  /** The place, for messages. */
  readonly called: string;
}

/** The keys of a requirement; an empty path does not count. */
export function keySources({
  keyPath = '',
  keyPaths = [],
  keyData,
  keyDatas = [],
}: {
  readonly keyPath?: string | undefined;
  readonly keyPaths?: readonly string[] | undefined;
  readonly keyData?: Buffer | undefined;
  readonly keyDatas?: readonly Buffer[] | undefined;
}): readonly KeySource[] {
  return [
    ...(keyPath === '' ? [] : [{ path: keyPath }]),
    ...keyPaths.map((path) => ({ path })),
    ...[...(keyData === undefined ? [] : [keyData]), ...keyDatas].map((data) => ({ data })),
  ];
}

/**
 * Reads all keys, or returns the fault of the first that can't be read: a policy is never applied in part.
 */
export function readKeys(
  sources: readonly KeySource[],
  readKeyFile: ReadKeyFile,
): readonly KeyText[] | string {
  const keys: KeyText[] = [];
  for (const source of sources) {
    const content = 'data' in source ? source.data : readKeyFile(source.path);
    if (typeof content === 'string') return content;
    keys.push({ content, called: 'path' in source ? source.path : 'in it' });
  }
  return keys;
}
