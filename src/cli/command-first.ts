/**
 * Puts a command before the options that stand before it, as in `berth --config FILE images`. Options of berth
 * itself (`--help`, `--version`) stay where they are.
 *
 * @param words what follows `berth` on the command line.
 */
export async function commandFirst(words: readonly string[]): Promise<readonly string[]> {
  const [first] = words;
  if (first?.startsWith('-') !== true || OWN.has(first)) return words;
  const takesValue = await valueTakers();
  let at = 0;
  while (words[at]?.startsWith('-') === true && words[at] !== '--') {
    at += takesValue.has(words[at] ?? '') ? 2 : 1;
  }
  const command = words[at];
  if (command === undefined || command === '--') return words;
  return [command, ...words.slice(0, at), ...words.slice(at + 1)];
}

const OWN: ReadonlySet<string> = new Set(['-h', '--help', '-V', '--version']);

/** The options of many commands whose value may be the next word. */
async function valueTakers(): Promise<ReadonlySet<string>> {
  const { Command } = await import('commander');
  const { withLimitRate, withRootOptions } = await import('./options.ts');
  const { options } = withLimitRate(withRootOptions(new Command()));
  const taking = options.filter(({ required }) => required);
  return new Set(
    taking.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined)),
  );
}
