import { statSync } from 'node:fs';
import { systemErrorCode } from '../common/errors.ts';

/** Whether a socket lies at the path, or behind a link there. A path that can't be looked at counts as none. */
export function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}
