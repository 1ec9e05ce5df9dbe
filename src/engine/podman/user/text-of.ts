import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../../../common/errors.ts';

/** The text of a file of the running system, such as /etc/fstab; a file that can't be read counts as empty. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return '';
  }
}
