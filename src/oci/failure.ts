import { BerthError } from '../common/errors.ts';
import { RootError } from '../root/root.ts';

export type LayoutErrorCode =
  /** The image specification does not allow the content, or it can't be read. */
  | 'bad-reply'
  | 'digest-mismatch'
  /** A blob is longer or shorter than its manifest says. */
  | 'short-body';

/** The names that errors use for a layout. */
export interface LayoutOwner {
  /** The name for a path in the layout. */
  readonly called: (path: string) => string;
  readonly hint: string;
}

/** The layout that a root ships. */
export const SHIPPED: LayoutOwner = {
  called: (path) => `${path} of the root`,
  hint: 'build the root again: `berth ship` writes the images that it ships again',
};

/** A layout on this machine is damaged. The codes are the same as for a registry that sends such content. */
export class LayoutError extends BerthError<LayoutErrorCode> {
  constructor(
    code: LayoutErrorCode,
    { called, hint }: LayoutOwner,
    path: string,
    { expected, found, cause }: { expected: string; found: string; cause?: unknown },
  ) {
    super(code, `${called(path)}: expected ${expected}, found ${found}`, { hint, cause });
  }
}

/** The error for a file that does not fit an OCI image layout. */
export function damaged(
  owner: LayoutOwner,
  path: string,
  expected: string,
  found: string,
  cause?: unknown,
): LayoutError {
  return new LayoutError('bad-reply', owner, path, { expected, found, cause });
}

export function mismatch(
  owner: LayoutOwner,
  path: string,
  digest: string,
  actual: string,
): LayoutError {
  const found = `bytes that hash to ${actual}`;
  return new LayoutError('digest-mismatch', owner, path, { expected: digest, found });
}

export function cutShort(
  owner: LayoutOwner,
  path: string,
  expected: number,
  found: number,
): LayoutError {
  const sizes = { expected: `${expected} bytes`, found: String(found) };
  return new LayoutError('short-body', owner, path, sizes);
}

/** Reads from the layout; a file that the root refuses to read is damage. */
export function reading<T>(owner: LayoutOwner, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    throw damaged(owner, path, 'a file that can be read', error.message, error);
  }
}
