import { execFile } from 'node:child_process';

/** The name of the transient timer and of its service. */
const NAME = 'berth-after-quiet-hours';

/** In milliseconds. */
const TIMEOUT = 30_000;

/**
 * Has systemd start a unit of the system at some time, by a transient timer (systemd-run(1)). A timer that waits
 * already stays as it is. A random delay keeps the hosts of a fleet from starting at the same moment.
 *
 * @param at lies in the future.
 * @returns why systemd did not take the timer; undefined if a timer waits now.
 */
export function startAt(
  unit: string,
  at: Date,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const time = `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const words = [
    '--quiet',
    '--collect',
    `--unit=${NAME}`,
    `--on-calendar=${time}`,
    '--timer-property=AccuracySec=1min',
    '--timer-property=RandomizedDelaySec=30min',
    'systemctl',
    'start',
    '--no-block',
    '--',
    unit,
  ];
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT, env: { ...environment, LC_ALL: 'C' } };
    execFile('systemd-run', words, options, (error, _, stderr) => {
      if (error === null || /already loaded|already exists/i.test(stderr)) resolve(undefined);
      else resolve(stderr.trim().split('\n')[0] || error.message);
    });
  });
}
