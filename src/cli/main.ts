import { CommanderError } from 'commander';
import { commandFirst } from './command-first.ts';
import { watchOutput } from './output.ts';
import { programOf } from './program.ts';
import { exitCodeOf, exitCodes, printFailure } from './render/failure.ts';
import { hearAsFirstProcess } from './signals.ts';

void main(process.argv);

async function main(argv: readonly string[]): Promise<void> {
  // berth ignores this variable. Node would print a warning as if it were obeyed.
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  hearAsFirstProcess();
  const output = watchOutput();
  try {
    const words = await commandFirst(argv.slice(2));
    await (await programOf(words)).parseAsync(words, { from: 'user' });
  } catch (error) {
    // Commands that write a stream to a broken standard output fail too; `watchOutput` has said why.
    if (output.isBroken()) return;
    if (error instanceof CommanderError) {
      // commander has printed the mistake already. Help and version arrive here too, with exit code 0.
      process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
      return;
    }
    printFailure(error, argv.includes('--debug'));
    process.exitCode = exitCodeOf([error]);
  }
}
