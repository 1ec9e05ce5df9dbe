import type { BerthError } from '../common/errors.ts';
import { deploymentNames, type roles, type updaters } from '../common/roots.ts';
import type { Root } from '../root/root.ts';

/** How a deployment stands to the running system. */
export type Role = (typeof roles)[number];

/** By which a person names a deployment, whichever that is at the time. */
export type DeploymentName = (typeof deploymentNames)[number];

export function isDeploymentName(text: string | undefined): text is DeploymentName {
  return deploymentNames.some((name) => name === text);
}

/** Which reader knows it. */
export type Updater = (typeof updaters)[number];

/** A root as an updater knows it. Plain data, but for `open`. */
export interface Deployment {
  /**
   * The updater's own: `checksum.serial` on ostree and bootc, the verity digest on composefs, the
   * configured or derived name of a directory. The same root has the same id all its life.
   */
  readonly id: string;
  readonly updater: Updater;
  readonly role: Role;
  /** Pinned by the admin, whatever its role is. */
  readonly pinned: boolean;
  /**
   * Of a staged one, that it does not go with the next reboot: its boot entry is written, as
   * `ostree admin deploy` without `--stage` does it.
   */
  readonly finalised?: true;
  /** Where its tree lies in the running system, all its life long; its record says so too. */
  readonly location: string;
  /** The OS image that it was made from, where the updater knows it. */
  readonly image?: { readonly name: string; readonly digest?: string };
  readonly version?: string;
  /**
   * Opens the tree as it will be when it is booted: a staged ostree deployment with the `/etc`
   * that its finalisation will make.
   *
   * @throws {BerthError} `unreadable-root` where the tree is not there to be read.
   */
  open(): Promise<Root>;
}

/** Which roots live, as far as the updaters could tell. */
export interface Deployments {
  readonly deployments: readonly Deployment[];
  /** Readers that failed: while there is one, nothing may be released. */
  readonly failures: readonly BerthError[];
}
