import { type Machine, main, type Outcome } from '../support/berth.ts';

const sayPeak =
  'data:text/javascript,process.on("exit", () => process._rawDebug(`peak ${process.resourceUsage().maxRSS}`))';

/** Runs the command line, and tells how much memory it ever had, in MB. */
export async function withPeak(
  machine: Machine,
  ...words: string[]
): Promise<Outcome & { readonly peak: number }> {
  const outcome = await machine.program(process.execPath, '--import', sayPeak, main, ...words);
  const peak = Number(/^peak (\d+)$/m.exec(outcome.stderr)?.[1]) / 1024;
  return { ...outcome, peak };
}
