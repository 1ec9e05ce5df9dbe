import { existsSync } from 'node:fs';
import { OverlaidRoot } from '../root/overlaid-root.ts';
import type { Root } from '../root/root.ts';
import { isTransient, mergedEtc } from './merged-etc.ts';
import { openTree } from './open-tree.ts';

/** An ostree deployment that is not booted, and the directories that it will be booted with. */
export interface Unbooted {
  readonly id: string;
  readonly location: string;
  /** The directory that will be its `/var`. It may not exist. */
  readonly var: string;
  /**
   * Set if the deployment is not finalised yet: the tree whose local changes of `/etc` will be merged,
   * if there is one.
   */
  readonly staged?: { readonly from: string | undefined };
}

/**
 * Opens a deployment as it will be when it is booted. With a transient `/etc` there are no local
 * changes.
 *
 * @throws {BerthError} `unreadable-root`
 */
export function openUnbooted({ id, location, var: varPath, staged }: Unbooted): Root {
  const fresh = openTree(id, location);
  const roots: Root[] = [];
  const opened = (path: string | undefined): Root | undefined => {
    if (path === undefined || !existsSync(path)) return undefined;
    const root = openTree(id, path);
    roots.push(root);
    return root;
  };
  try {
    const isMadeAnew = isTransient(fresh);
    const from = isMadeAnew ? undefined : staged?.from;
    const etc =
      isMadeAnew || staged !== undefined
        ? { etc: mergedEtc(id, fresh, opened(from), from ?? '') }
        : {};
    const ofStateroot = opened(varPath);
    return new OverlaidRoot(
      fresh,
      ofStateroot === undefined ? etc : { ...etc, var: ofStateroot },
      roots,
    );
  } catch (error) {
    for (const root of [fresh, ...roots]) root.close();
    throw error;
  }
}
