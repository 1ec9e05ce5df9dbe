/** In milliseconds: a registry that asks for a longer wait is asked again by a later run. */
export const LONGEST_RETRY_AFTER = 120_000;

/** In milliseconds: a registry that asks for more than a day is left alone for a day. */
export const LONGEST_REST = 24 * 60 * 60 * 1000;

/**
 * The wait in a `Retry-After` header, in milliseconds from now; RFC 9110, section 10.2.3: a number of
 * seconds, or a date. A date more than a day ahead is none: a clock is wrong, here or there.
 */
export function millisecondsOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const rest = Date.parse(retryAfter) - Date.now();
  return Number.isNaN(rest) || rest > LONGEST_REST ? undefined : Math.max(0, rest);
}

/**
 * How long a host is still to be left alone, in milliseconds, by a time that was remembered; 0 if it may be
 * asked. A time more than a day ahead was remembered while a clock was wrong.
 */
export function restUntil(time: number): number {
  const rest = time - Date.now();
  return rest > LONGEST_REST ? 0 : Math.max(0, rest);
}

/** A thousand years in milliseconds: `Date` ends in the year 275760, and a registry may send any number. */
const MAX_AHEAD = 1000 * 365 * 24 * 60 * 60 * 1000;

/** The point in time that lies this many milliseconds ahead, to the second. */
export function pointInTime(milliseconds: number): string {
  const ahead = Math.min(milliseconds, MAX_AHEAD);
  return new Date(Date.now() + ahead).toISOString().replace(/\.\d+Z$/, 'Z');
}
