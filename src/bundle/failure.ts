import { BerthError } from '../common/errors.ts';

/** A bundle is not what `berth bundle` writes, or was changed on the way. */
export function bundleDamaged(expected: string, found: string, cause?: unknown): BerthError {
  return new BerthError('bundle-damaged', `the bundle: expected ${expected}, found ${found}`, {
    hint: 'copy it anew from where it was made; nothing of it is used',
    ...(cause === undefined ? {} : { cause }),
  });
}
