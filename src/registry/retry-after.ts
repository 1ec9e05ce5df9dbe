/** In milliseconds: a registry that asks for a longer wait is asked again by a later run. */
export const LONGEST_RETRY_AFTER = 120_000;

/** In milliseconds: a registry that asks for more than a day is left alone for a day. */
export const LONGEST_REST = 24 * 60 * 60 * 1000;

/** In seconds: 31 years. No registry wants to be left alone for so long: a larger number is a time since 1970. */
const LEAST_TIME = 1e9;

/**
 * The wait in a `Retry-After` header, in milliseconds from now; RFC 9110, section 10.2.3: a number of
 * seconds, or a date. Some servers send the seconds since 1970. A time more than a day ahead is none: a
 * clock is wrong, here or there. What is neither a number nor a date is none either.
 */
export function millisecondsOf(retryAfter: string | undefined): number | undefined {
  const text = retryAfter?.trim() ?? '';
  const isNumber = /^\d+(?:\.\d+)?$/.test(text);
  if (isNumber && Number(text) < LEAST_TIME) return Number(text) * 1000;
  // Date.parse takes much for a date, such as `-5`, but only a real one has a time of day.
  const time = isNumber
    ? Number(text) * 1000
    : /\d:\d\d/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  const rest = time - Date.now();
  return Number.isNaN(rest) || rest > LONGEST_REST ? undefined : Math.max(0, rest);
}

/** When to ask again, in words: `in 30 seconds`, `in 5 days, after 2026-01-06T00:00:00Z`. */
export function inWords(milliseconds: number): string {
  if (milliseconds <= LONGEST_RETRY_AFTER) return `in ${Math.ceil(milliseconds / 1000)} seconds`;
  const days = Math.floor(milliseconds / LONGEST_REST);
  const time = `after ${pointInTime(milliseconds)}`;
  return days < 2 ? time : `in ${days} days, ${time}`;
}

/**
 * How long a host is still to be left alone, in milliseconds, by a time that was remembered; 0 if it may be
 * asked. A time more than a day ahead was remembered while a clock was wrong.
 */
export function restUntil(time: number): number {
  const rest = time - Date.now();
  return rest > LONGEST_REST ? 0 : Math.max(0, rest);
}

/** The point in time that lies this many milliseconds ahead, to the second. */
export function pointInTime(milliseconds: number): string {
  return new Date(Date.now() + milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}
