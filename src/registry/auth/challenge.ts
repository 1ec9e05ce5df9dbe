/** One way in which a registry lets itself be convinced: RFC 9110, 11.6.1. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads a `WWW-Authenticate` header, in which several challenges may stand, with commas between
 * them, between their parameters and inside of quotes. What is not understood is left out.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  // Each alternative takes what it has begun, an open quote up to the end: no way back, no delay.
  const tokens =
    /([^\s,="]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.|\\$)*)"?|([^\s,"]*)))?|"(?:[^"\\]|\\.|\\$)*"?|./gs;
  for (const [whole, word, quoted, bare] of header.matchAll(tokens)) {
    if (word === undefined) continue;
    const value = quoted?.replace(/\\(.)/gs, '$1') ?? bare;
    if (value === undefined) {
      challenges.push({ scheme: whole.toLowerCase(), parameters: new Map() });
    } else {
      challenges.at(-1)?.parameters.set(word.toLowerCase(), value);
    }
  }
  return challenges;
}
