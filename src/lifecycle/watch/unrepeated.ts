import type { Report } from '../events.ts';

/** In milliseconds: how long the same warning is not repeated. */
const SAID = 10 * 60_000;

/** The most warnings that are remembered. */
const MOST = 200;

/**
 * A `report` for a process that looks at the same things again and again: the same warning is reported once in ten
 * minutes, and waiting for the lock of another berth process not at all.
 */
export function unrepeated(report: Report, now: () => number = () => performance.now()): Report {
  const said = new Map<string, number>();
  return (event) => {
    if (event.event !== 'warning') return report(event);
    if (event.code === 'waiting-for-lock') return undefined;
    const text = `${event.code} ${event.message}`;
    const before = said.get(text);
    if (before !== undefined && now() - before < SAID) return undefined;
    if (said.size >= MOST) said.clear();
    said.set(text, now());
    return report(event);
  };
}
