import type { Tree } from '../../support/tree.ts';

/** A small root after a public report, and what is right of it. */
export interface ReportedCase {
  readonly name: string;
  /** The public reports: `project#number`. */
  readonly source: string;
  readonly tree: Tree;
  /** `unit image activation engine`, and the credentials if the unit names some. */
  readonly images: readonly string[];
  /** `code path:line` of each problem. */
  readonly problems: readonly string[];
}

/** Targets as in every OS, so that units come to start. */
export const targets: Tree = {
  '/usr/lib/systemd/system/default.target': '-> multi-user.target',
  '/usr/lib/systemd/system/graphical.target': '[Unit]\nRequires=multi-user.target\n',
  '/usr/lib/systemd/system/multi-user.target': '[Unit]\nRequires=basic.target\n',
  '/usr/lib/systemd/system/basic.target':
    '[Unit]\nRequires=sysinit.target\nWants=sockets.target timers.target paths.target\n',
  ...Object.fromEntries(
    ['sysinit', 'local-fs', 'network', 'network-online', 'sockets', 'timers', 'paths'].map(
      (name) => [`/usr/lib/systemd/system/${name}.target`, `[Unit]\nDescription=${name}\n`],
    ),
  ),
  '/usr/lib/os-release': 'ID=test\nVERSION_ID=1\n',
};
