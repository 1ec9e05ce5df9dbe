import assert from 'node:assert/strict';
import type { Command } from 'commander';
import { programOf } from '../../src/cli/program.ts';

/** Parses a command line as berth would, and runs nothing. */
export async function accepts(line: string): Promise<void> {
  const words = line.split(/\s+/);
  const program = await programOf(words);
  program.configureOutput({ writeErr: () => {}, outputError: () => {} });
  const acted: string[] = [];
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} });
    command.action((...args: unknown[]) => {
      acted.push((args.at(-1) as Command).name());
    });
  }
  await program.parseAsync(words, { from: 'user' });
  assert.deepEqual(acted, [words[0]], line);
}

/** Every command line of berth in a script, without what the shell makes of it. */
export function berthLines(script: string): string[] {
  const lines = script.replaceAll('\\\n', ' ').split(/\n|&&|;|\|/);
  return lines.flatMap(
    (line) => /^\s*(?:RUN\s+(?:--\S+\s+)*)?berth\s+([^>]*)/.exec(line)?.[1]?.trim() ?? [],
  );
}
