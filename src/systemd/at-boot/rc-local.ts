import { type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../etc.ts';

/**
 * The units that start because the root has a script `rc.local`. Whether the script is executable, without
 * which nothing starts it, is not asked.
 *
 * Source: systemd-rc-local-generator(8).
 */
export function rcLocalUnits(root: Root, etc: Etc): readonly string[] {
  try {
    const script = root.lookup(followed(root, etc, `${etc}/rc.local`));
    return script?.kind === 'file' ? ['rc-local.service'] : [];
  } catch (error) {
    // A script that others may write is no part of the OS.
    if (error instanceof RootError) return [];
    throw error;
  }
}
