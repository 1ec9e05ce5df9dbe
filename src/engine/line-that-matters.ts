/** The longest reason that is shown whole, in characters. */
const LONGEST = 300;

/**
 * The line of a failed program's words that says what failed: warnings come first, and the error last. What
 * berth says before the program's words stays.
 */
export function lineThatMatters(message: string): string {
  const [first = '', ...more] = message.split('\n').flatMap((line) => line.trim() || []);
  const last = more.at(-1);
  const line = unlogged(last === undefined ? first : beforeColon(first) + last);
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`;
}

function beforeColon(line: string): string {
  const end = line.indexOf(': ');
  return end < 0 ? `${line}: ` : line.slice(0, end + 2);
}

/** The words of a line as podman logs it, `time="…" level=error msg="…"`. */
function unlogged(line: string): string {
  return line.replace(/\btime="[^"]*" level=[a-z]+ msg="(.*)"$/, (_, words: string) =>
    words.replaceAll('\\"', '"'),
  );
}
