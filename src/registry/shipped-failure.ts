import { RootError } from '../root/root.ts';
import { RegistryError } from './registry.ts';

const hint = 'build the root again: `berth ship` writes the images that it ships anew';

/** What a root ships is not what an OCI image layout is. */
export function damaged(
  path: string,
  expected: string,
  found: string,
  cause?: unknown,
): RegistryError {
  return new RegistryError('bad-reply', said(path, expected, found), { hint, cause });
}

export function mismatch(path: string, digest: string, found: string): RegistryError {
  const message = said(path, digest, `bytes that hash to ${found}`);
  return new RegistryError('digest-mismatch', message, { hint });
}

export function cutShort(path: string, expected: number, found: number): RegistryError {
  const message = said(path, `${expected} bytes`, String(found));
  return new RegistryError('short-body', message, { hint });
}

/** Reads something of the root; what it refuses is damage. */
export function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    throw damaged(path, 'a file that can be read', error.message, error);
  }
}

function said(path: string, expected: string, found: string): string {
  return `${path} of the root: expected ${expected}, found ${found}`;
}
