/** One way to authenticate that a registry offers: RFC 9110, section 11.6.1. */
export interface Challenge {
  /** The scheme in lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** The parameters, with names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Parses a `WWW-Authenticate` header, which may contain several challenges; commas separate challenges or
 * parameters, and occur within quotes. Anything that is not understood is left out.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  // No alternative backtracks, not even at an open quote, which extends to the end: linear time.
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
