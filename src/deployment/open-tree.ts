import { BerthError } from '../common/errors.ts';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import { unreadableRoot } from './failure.ts';

/**
 * Opens the tree of a deployment.
 *
 * @throws {BerthError} `unreadable-root`
 */
export function openTree(id: string, location: string): Root {
  try {
    return openRoot(location);
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw unreadableRoot(id, error.message, error.hint, error);
  }
}
