import { existsSync } from 'node:fs';
import { OverlaidRoot } from '../root/overlaid-root.ts';
import type { Root } from '../root/root.ts';
import { isTransient, mergedEtc } from './merged-etc.ts';
import { openTree } from './open-tree.ts';

/** An ostree deployment that is not booted, and what it will have when it is. */
export interface Unbooted {
  readonly id: string;
  readonly location: string;
  /** What will be its `/var`; it may not be there. */
  readonly var: string;
  /** Where it is not finalised yet: from whose tree its `/etc` takes over local changes, if any. */
  readonly staged?: { readonly from: string | undefined };
}

/**
 * Opens a deployment as it will be when it is booted. A `/etc` that is made anew at each boot keeps
 * no local change.
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
