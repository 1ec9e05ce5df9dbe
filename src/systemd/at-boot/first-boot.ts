import type { Root } from '../../root/root.ts';
import { type Etc, followed } from '../etc.ts';

/**
 * Whether a root's next boot is its first, at which systemd applies the presets: the root has no
 * machine-id yet. An empty file is not enough.
 *
 * Source: machine-id(5), "First Boot Semantics".
 *
 * @throws {RootError}
 */
export function isFirstBoot(root: Root, etc: Etc): boolean {
  const file = root.readFile(followed(root, etc, `${etc}/machine-id`));
  return file === undefined || file.content.toString().trim() === 'uninitialized';
}
