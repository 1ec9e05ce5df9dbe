import { CommanderError } from 'commander';
import { watchOutput } from './output.ts';
import { programOf } from './program.ts';
import { exitCodeOf, exitCodes, printFailure } from './render/failure.ts';
import { hearAsFirstProcess } from './signals.ts';

void main(process.argv);

async function main(argv: readonly string[]): Promise<void> {
  // berth does not obey it: Node would only warn that it does.
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  hearAsFirstProcess();
  const output = watchOutput();
  try {
    await (await programOf(argv.slice(2))).parseAsync(argv);
  } catch (error) {
    // What writes a stream of its own to standard output fails with that.
    if (output.isBroken()) return;
    if (error instanceof CommanderError) {
      // commander has printed what is wrong; help and version are no failures.
      process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
      return;
    }
    printFailure(error, argv.includes('--debug'));
    process.exitCode = exitCodeOf([error]);
  }
}
