import { type Argument, Command, type Option } from 'commander';
import { commandFirst } from '../command-first.ts';
import { withLimitRate, withRootOptions } from '../options.ts';
import { readWords } from './read-words.ts';
import { argumentValues, type Completion, noPaths, optionValues } from './values.ts';

/**
 * Completes a command line: what may stand in the place of its last word, whatever that word begins with, since
 * shells differ in how they compare.
 *
 * @param words what follows `berth`. The last one is being typed, and may be empty.
 * @param programOf loads the command that a command line names.
 */
export async function complete(
  words: readonly string[],
  programOf: (words: readonly string[]) => Promise<Command>,
): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const before = await commandFirst(words.slice(0, -1));
  const program = await programOf(before);
  const command = program.commands.find((one) => one.name() === before[0]);
  const options = optionsOf(command ?? withLimitRate(withRootOptions(new Command())));
  const read = readWords(command === undefined ? before : before.slice(1), options);
  if (read.waiting !== undefined) return optionValues(read.waiting, read.given);
  if (current.startsWith('-') && !read.onlyOperands) {
    return (await afterFlag(current, options, read.given)) ?? flags(optionsOf(command ?? program));
  }
  if (command === undefined || command.name() === 'help') return commands(program);
  const argument = argumentAt(command, read.operands);
  if (argument === undefined) return read.onlyOperands ? noPaths([]) : flags(options);
  return argumentValues(command.name(), argument, read.given);
}

function optionsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

/** The values for a word such as `--format=js`, with the flag, as the shell has it in the word. */
async function afterFlag(
  current: string,
  options: readonly Option[],
  given: ReadonlyMap<string, string>,
): Promise<Completion | undefined> {
  const [, flag] = /^(--[^=]+)=/.exec(current) ?? [];
  const option = options.find(({ long, required }) => long === flag && required);
  if (flag === undefined || option === undefined) return undefined;
  const { paths, candidates } = await optionValues(option, given);
  return {
    paths,
    candidates: candidates.map(({ value, about }) => ({ value: `${flag}=${value}`, about })),
  };
}

function flags(options: readonly Option[]): Completion {
  return noPaths(
    options.flatMap(({ short, long, description }) =>
      [long, short]
        .filter((flag) => flag !== undefined)
        .map((value) => ({ value, about: description })),
    ),
  );
}

function commands(program: Command): Completion {
  return noPaths(program.commands.map((one) => ({ value: one.name(), about: one.summary() })));
}

/** The argument of a command for the operand at a position; the last argument may take any number of operands. */
function argumentAt({ registeredArguments: all }: Command, at: number): Argument | undefined {
  const last = all.at(-1);
  return all[at] ?? (last?.variadic === true ? last : undefined);
}
