/** The directories of the running system in which updaters keep their state. */
export interface Places {
  /** The `/` of the running system. */
  readonly root: string;
  /** The physical root, which contains `ostree/deploy`. */
  readonly sysroot: string;
  /** The directory that contains `loader/entries`. */
  readonly boot: string;
  readonly run: string;
  /** The mount table: /proc/self/mountinfo. */
  readonly mountinfo: string;
}

export const runningSystem: Places = {
  root: '/',
  sysroot: '/sysroot',
  boot: '/boot',
  run: '/run',
  mountinfo: '/proc/self/mountinfo',
};
