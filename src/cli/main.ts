import { CommanderError } from 'commander';
import { programOf } from './program.ts';
import { exitCodeOf, exitCodes, printFailure } from './render/failure.ts';

void main(process.argv);

async function main(argv: readonly string[]): Promise<void> {
  // A reader that goes away (`berth images | head`) is no failure of ours, and no success.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    await (await programOf(argv.slice(2))).parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has printed what is wrong; help and version are no failures.
      process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
      return;
    }
    printFailure(error, argv.includes('--debug'));
    process.exitCode = exitCodeOf([error]);
  }
}
