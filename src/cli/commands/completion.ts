import type { Command } from 'commander';
import { shown } from '../../common/shown.ts';
import { complete } from '../completion/complete.ts';
import { type Shell, scripts, shells } from '../completion/scripts.ts';
import { type Candidate, type Completion, noPaths } from '../completion/values.ts';
import { writeOut } from '../standard-streams.ts';

/** `berth completion`: what a shell reads to complete command lines of berth. */
export function defineCompletion(command: Command): void {
  command.registeredArguments[0]?.choices(shells);
  command
    .description(
      'Print a script with which SHELL completes the command lines of berth: commands, options, their values, ' +
        'the roots that are staged, and the images that they have.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  berth completion bash > ~/.local/share/bash-completion/completions/berth\n' +
        '  berth completion zsh > /usr/local/share/zsh/site-functions/_berth\n' +
        '  berth completion fish > ~/.config/fish/completions/berth.fish',
    )
    .action((shell: Shell) => writeOut(scripts[shell]));
}

/** `berth complete`, which the scripts of shells ask: `scripts` says what the command prints. */
export function defineComplete(
  command: Command,
  programOf: (words: readonly string[]) => Promise<Command>,
): void {
  command.action(async (words: readonly string[]) => {
    const { paths, candidates } = await completionOf(words, programOf);
    writeOut(
      [paths, ...candidates.filter(isPlain).map(lineOf)].map((line) => `${line}\n`).join(''),
    );
  });
}

/** Nothing for a command line that berth would refuse: whoever types has not finished. */
async function completionOf(
  words: readonly string[],
  programOf: (words: readonly string[]) => Promise<Command>,
): Promise<Completion> {
  try {
    return await complete(words, programOf);
  } catch {
    return noPaths([]);
  }
}

/** Whether a value is one word of a command line: a value with blanks would become several. */
function isPlain({ value }: Candidate): boolean {
  return value !== '' && shown(value) === value && !/\s/.test(value);
}

function lineOf({ value, about }: Candidate): string {
  return `${value}\t${about}`;
}
