import { RegistryError } from '../registry/errors.ts';
import { RootError } from '../root/root.ts';

/** Whose layout it is, for what is said of it. */
export interface LayoutOwner {
  /** How a path of it is called. */
  readonly called: (path: string) => string;
  readonly hint: string;
}

/** Of a root. */
export const SHIPPED: LayoutOwner = {
  called: (path) => `${path} of the root`,
  hint: 'build the root again: `berth ship` writes the images that it ships anew',
};

/** It is not what an OCI image layout is. */
export function damaged(
  owner: LayoutOwner,
  path: string,
  expected: string,
  found: string,
  cause?: unknown,
): RegistryError {
  return new RegistryError('bad-reply', said(owner, path, expected, found), {
    hint: owner.hint,
    cause,
  });
}

export function mismatch(
  owner: LayoutOwner,
  path: string,
  digest: string,
  found: string,
): RegistryError {
  const message = said(owner, path, digest, `bytes that hash to ${found}`);
  return new RegistryError('digest-mismatch', message, { hint: owner.hint });
}

export function cutShort(
  owner: LayoutOwner,
  path: string,
  expected: number,
  found: number,
): RegistryError {
  const message = said(owner, path, `${expected} bytes`, String(found));
  return new RegistryError('short-body', message, { hint: owner.hint });
}

/** Reads something of it; what a root refuses is damage. */
export function reading<T>(owner: LayoutOwner, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    throw damaged(owner, path, 'a file that can be read', error.message, error);
  }
}

function said(owner: LayoutOwner, path: string, expected: string, found: string): string {
  return `${owner.called(path)}: expected ${expected}, found ${found}`;
}
