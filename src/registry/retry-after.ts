/** In milliseconds: a registry that asks for a longer wait is asked again by a later run. */
export const LONGEST_RETRY_AFTER = 120_000;

/**
 * The wait in a `Retry-After` header, in milliseconds from now; RFC 9110, section 10.2.3: a number of
 * seconds, or a date.
 */
export function millisecondsOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** A thousand years in milliseconds: `Date` ends in the year 275760, and a registry may send any number. */
const MAX_AHEAD = 1000 * 365 * 24 * 60 * 60 * 1000;

/** The point in time that lies this many milliseconds ahead, to the second. */
export function pointInTime(milliseconds: number): string {
  const ahead = Math.min(milliseconds, MAX_AHEAD);
  return new Date(Date.now() + ahead).toISOString().replace(/\.\d+Z$/, 'Z');
}
