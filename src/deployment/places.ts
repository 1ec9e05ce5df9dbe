/** Where the running system keeps what updaters leave. */
export interface Places {
  /** The running system's `/`. */
  readonly root: string;
  /** The physical root, in which `ostree/deploy` lies. */
  readonly sysroot: string;
  /** In which `loader/entries` lies. */
  readonly boot: string;
  readonly run: string;
  /** As /proc/self/mountinfo. */
  readonly mountinfo: string;
}

export const runningSystem: Places = {
  root: '/',
  sysroot: '/sysroot',
  boot: '/boot',
  run: '/run',
  mountinfo: '/proc/self/mountinfo',
};
