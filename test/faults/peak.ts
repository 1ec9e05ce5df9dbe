import { type Machine, main, type Outcome } from '../support/berth.ts';

/** Runs in the process. `resourceUsage` would count the memory of the test's process too, from which it is forked. */
const sayPeak = `
  const { readFileSync } = process.getBuiltinModule('fs');
  process.on('exit', () => {
    process._rawDebug('peak ' + /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  });
`;

/** Runs the command line, and tells how much memory it ever had, in MB. */
export async function withPeak(
  machine: Machine,
  ...words: string[]
): Promise<Outcome & { readonly peak: number }> {
  const outcome = await machine.program(
    process.execPath,
    '--import',
    `data:text/javascript,${encodeURIComponent(sayPeak)}`,
    main,
    ...words,
  );
  const peak = Number(/^peak (\d+)$/m.exec(outcome.stderr)?.[1]) / 1024;
  return { ...outcome, peak };
}
