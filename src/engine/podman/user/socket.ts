import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { systemErrorCode } from '../../../common/errors.ts';
import { O_PATH } from '../../../root/directories.ts';

/** A socket that is held open by name, so that nobody can put another in its place. */
export interface HeldSocket {
  /** The path to connect to, for this process alone. */
  readonly path: string;
  readonly close: () => void;
}

/**
 * Opens a user's socket. Its directory belongs to the user, so the path may lead to root's own socket, or
 * anywhere. Only a socket that the user owns is taken, and a connection goes to the very one that was
 * looked at: connect(2) follows /proc/self/fd to it.
 *
 * @returns undefined if the path is not a socket of the user.
 */
export function holdSocket(path: string, uid: number): HeldSocket | undefined {
  const fd = openName(path);
  if (fd === undefined) return undefined;
  const found = fstatSync(fd);
  if (found.isSocket() && found.uid === uid) {
    return { path: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
  }
  closeSync(fd);
  return undefined;
}

/** Opens what has this name, whatever it is: nothing is read, and no device is touched. */
function openName(path: string): number | undefined {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
