import { type OptionTable, optionTable } from './option-tables.ts';
import type { Option } from './split-options.ts';
import type { Word } from './words.ts';

/** A program that runs a command given in its own words. */
export interface Wrapper {
  readonly options: OptionTable;
  /** The number of words between the options and the command. */
  readonly skipped?: number;
  /** Whether assignments (`TAG=1`) may stand before the command. */
  readonly assigns?: true;
  /** Whether the command gets another environment than the service. */
  readonly resets?: true;
  /** Options that give the user who runs the command; of several the first that is given counts. */
  readonly user?: readonly string[];
  /** The user without such an option; the caller by default. */
  readonly userByDefault?: string;
  /** The option whose value is a script for a shell. */
  readonly script?: string;
  /** Options with which the command runs on another host or in another root, or is not read. */
  readonly elsewhere?: readonly string[];
}

const prlimits =
  'core/c data/d nice/e fsize/f sigpending/i memlock/l rss/m nofile/n msgqueue/q rtprio/r stack/s cpu/t nproc/u as/v locks/x rttime/y';

/**
 * The programs that run a command given in their words. Sources: their man pages, and `--help` of
 * coreutils 9.1, util-linux 2.38, sudo 1.9, systemd 257, numactl 2.0, dpkg 1.22, moreutils 0.69, busybox 1.37,
 * tini 0.19, dumb-init 1.2.
 */
export const wrappers: Readonly<Record<string, Wrapper>> = {
  busybox: { options: optionTable('', '') },
  catatonit: { options: optionTable('', 'P g h L V') },
  chronic: { options: optionTable('', 'e v') },
  chrt: {
    options: optionTable(
      'sched-runtime/T sched-period/P sched-deadline/D',
      'batch/b deadline/d ext/e fifo/f idle/i other/o rr/r reset-on-fork/R all-tasks/a verbose/v max/m pid/p',
    ),
    skipped: 1,
  },
  doas: { options: optionTable('u C', 'n s L'), user: ['u'], userByDefault: 'root', resets: true },
  'dumb-init': { options: optionTable('rewrite/r', 'single-child/c verbose/v') },
  env: {
    options: optionTable(
      'unset/u chdir/C split-string/S argv0/a',
      'ignore-environment/i null/0 debug/v default-signal ignore-signal block-signal list-signal-handling',
    ),
    assigns: true,
    elsewhere: ['split-string'],
  },
  flock: {
    options: optionTable(
      'timeout/wait/w conflict-exit-code/E start length',
      'shared/s exclusive/x/e unlock/u nonblock/nb/nonblocking/n no-fork/F close/o command/c fcntl verbose',
    ),
    skipped: 1,
  },
  ionice: { options: optionTable('class/c classdata/n pid/p pgid/P uid/u', 'ignore/t') },
  nice: { options: optionTable('adjustment/n', '') },
  nohup: { options: optionTable('', '') },
  numactl: {
    options: optionTable(
      'interleave/i weighted-interleave/w preferred/p preferred-many/P physcpubind/C cpunodebind/N cpubind/c membind/m length/L offset/o shmmode/M shmid/I shm/S file/f',
      'localalloc/l all/a balancing/b show/s hardware/H cpu-compress strict/t huge/u touch/T dump/d dump-nodes/D',
    ),
  },
  prlimit: { options: optionTable('output/o pid/p', `${prlimits} noheadings raw verbose`) },
  runuser: {
    options: optionTable(
      'user/u command/c session-command group/g supp-group/G shell/s whitelist-environment/w',
      'login/l preserve-environment/m/p fast/f pty/P no-pty/T',
    ),
    user: ['user'],
    script: 'command',
  },
  setpriv: {
    options: optionTable(
      'reuid euid ruid regid rgid egid groups inh-caps ambient-caps bounding-set securebits pdeathsig selinux-label apparmor-profile landlock-access landlock-rule seccomp-filter ptracer',
      'clear-groups keep-groups init-groups reset-env no-new-privs/nnp dump/d list-caps',
    ),
    user: ['reuid', 'euid', 'ruid'],
  },
  setsid: { options: optionTable('', 'ctty/c fork/f wait/w') },
  'start-stop-daemon': {
    options: optionTable(
      'pid ppid pidfile/p exec/x name/n user/u group/g chuid/c signal/s startas/a chroot/r chdir/d nicelevel/N procsched/P iosched/I umask/k notify-timeout output/O retry/R',
      'start/S stop/K status/T pidof background/b notify-await no-close/C make-pidfile/m remove-pidfile test/t oknodo/o quiet/q verbose/v',
    ),
    user: ['chuid'],
    elsewhere: ['chroot'],
  },
  stdbuf: { options: optionTable('input/i output/o error/e', '') },
  su: {
    options: optionTable(
      'command/c session-command group/g supp-group/G shell/s whitelist-environment/w',
      'login/l preserve-environment/m/p fast/f pty/P no-pty/T',
    ),
    script: 'command',
  },
  sudo: {
    options: optionTable(
      'user/u group/g close-from/C chdir/D chroot/R host/h prompt/p role/r type/t command-timeout/T other-user/U',
      'askpass/A background/b bell/B preserve-env/E set-home/H login/i reset-timestamp/k no-update/N non-interactive/n preserve-groups/P stdin/S shell/s',
    ),
    user: ['user'],
    userByDefault: 'root',
    assigns: true,
    resets: true,
    elsewhere: ['chroot', 'host'],
  },
  'systemd-cat': {
    options: optionTable('identifier/t priority/p stderr-priority level-prefix namespace', ''),
  },
  'systemd-inhibit': {
    options: optionTable('what who why mode json', 'list no-ask-password no-pager no-legend'),
  },
  'systemd-run': {
    options: optionTable(
      'host/H machine/M capsule/C unit/u property/p description slice expand-environment service-type uid gid nice working-directory root-directory setenv/E background on-active on-boot on-startup on-unit-active on-unit-inactive on-calendar path-property socket-property timer-property job-mode area json output',
      'user system scope slice-inherit remain-after-exit/r send-sighup same-dir/d same-root-dir/R pty/t pty-late/T pipe/P quiet/q verbose/v no-block wait collect/G ignore-failure on-clock-change on-timezone-change no-ask-password no-pager shell/S',
    ),
    user: ['uid'],
    resets: true,
    elsewhere: ['host', 'machine', 'capsule', 'root-directory'],
  },
  taskset: { options: optionTable('', 'all-tasks/a cpu-list/c pid/p'), skipped: 1 },
  time: { options: optionTable('format/f output/o', 'append/a verbose/v portability/p quiet/q') },
  timeout: {
    options: optionTable('kill-after/k signal/s', 'foreground/f preserve-status/p verbose/v'),
    skipped: 1,
  },
  tini: { options: optionTable('e p', 'g l s v w') },
};

/** The user as whom a wrapper runs its command; undefined for the caller. */
export function userBy(
  { user = [], userByDefault }: Wrapper,
  options: readonly Option[],
): Word | undefined {
  const given = user.flatMap((name) => options.findLast((option) => option.name === name) ?? []);
  const [word] = given.flatMap(({ value }) => value ?? []);
  // `#UID` of sudo, and `USER:GROUP` of start-stop-daemon.
  if (word !== undefined) return { ...word, text: word.text.replace(/^#|:.*/g, '') };
  return userByDefault === undefined ? undefined : { text: userByDefault, raw: userByDefault };
}

/** Programs that only print, test or change files: names of container programs in their words start nothing. */
export const harmless: ReadonlySet<string> = new Set(
  `[ basename cat chgrp chmod chown cp curl cut dirname echo false getent grep head install kill killall
   ln logger loginctl ls mkdir mkfifo mktemp mount mv pgrep pkill printf ps readlink rm rmdir sed sleep sort
   stat sync systemctl systemd-notify systemd-tmpfiles tail tee test touch tr true truncate umount wget`
    .trim()
    .split(/\s+/),
);
