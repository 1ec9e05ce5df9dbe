import type { BerthError } from '../common/errors.ts';
import { deploymentNames, type roles, type updaters } from '../common/roots.ts';
import type { Root } from '../root/root.ts';

/** The role of a deployment on the running system. */
export type Role = (typeof roles)[number];

/** A role by which users name the deployment that has it at the moment. */
export type DeploymentName = (typeof deploymentNames)[number];

export function isDeploymentName(text: string | undefined): text is DeploymentName {
  return deploymentNames.some((name) => name === text);
}

/** The reader that reports a deployment. */
export type Updater = (typeof updaters)[number];

/** A root as an updater reports it. Plain data, except for `open`. */
export interface Deployment {
  /**
   * The updater's own id: `checksum.serial` on ostree and bootc, the verity digest on composefs, the
   * configured or derived name of a directory. A root keeps its id for life.
   */
  readonly id: string;
  readonly updater: Updater;
  readonly role: Role;
  /** Whether the administrator pinned the deployment, whatever its role is. */
  readonly pinned: boolean;
  /**
   * Set for a staged deployment whose boot entry is already written, as by `ostree admin deploy`
   * without `--stage`. Such a deployment needs no finalisation at the next reboot.
   */
  readonly finalised?: true;
  /** The path of the tree in the running system. It never changes, and is also in the record. */
  readonly location: string;
  /** The OS image that the deployment was made from, if the updater knows the image. */
  readonly image?: { readonly name: string; readonly digest?: string };
  readonly version?: string;
  /**
   * Opens the tree as it will be when it is booted. A staged ostree deployment gets the `/etc` that
   * its finalisation will make.
   *
   * @throws {BerthError} `unreadable-root` if the tree can't be read.
   */
  open(): Promise<Root>;
}

/** The roots that live, as far as the updaters could tell. */
export interface Deployments {
  readonly deployments: readonly Deployment[];
  /** The errors of readers that failed. If there is one, no root may be released. */
  readonly failures: readonly BerthError[];
}
