import { spawn } from 'node:child_process';

/** Notifies the service manager about this process, which is the service. */
export interface Notifier {
  /** Says that the service has started up. */
  readonly ready: () => void;
  /** Stops the watchdog notifications. */
  readonly end: () => void;
}

/**
 * Tells systemd that the service is ready, and sends watchdog notifications if systemd asks for them (sd_notify(3)).
 * Node can't write to unix datagram sockets, so berth runs systemd-notify(1) for each notification. systemd-notify
 * waits until systemd has received the message; the unit needs `NotifyAccess=all`.
 */
export function notifier(environment: NodeJS.ProcessEnv): Notifier {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog, PATH } = environment;
  if (socket === undefined) return { ready: () => undefined, end: () => undefined };
  const say = (words: string) => {
    const env = { PATH, NOTIFY_SOCKET: socket };
    // Without the program the service fails at its start, and systemd says so.
    spawn('systemd-notify', [words], { env, stdio: 'ignore' }).on('error', () => undefined);
  };
  const microseconds = Number(watchdog);
  const isWatched = Number.isFinite(microseconds) && microseconds > 0;
  // Half of the time, as sd_watchdog_enabled(3) recommends.
  const timer = isWatched ? setInterval(say, microseconds / 2000, 'WATCHDOG=1') : undefined;
  return { ready: () => say('READY=1'), end: () => clearInterval(timer) };
}
