import type { CommandLine } from '../../systemd/command-line.ts';
import type { SystemdUnit } from '../../systemd/systemd-unit.ts';
import type { Expander } from '../expander.ts';
import type { Fault } from '../problem.ts';
import { longestCommandLine, type Word } from './words.ts';

/** The words with which systemd starts a program, as far as they can be known from the root. */
export function systemdWords(line: CommandLine, unit: SystemdUnit, expander: Expander): Word[] {
  const expanded = { service: unit.name, entries: unit.entries };
  const words: Word[] = [];
  let size = 0;
  for (const [at, raw] of line.words.entries()) {
    // systemd replaces no variables in the path of the program.
    const value =
      at > 0 && line.expandsVariables
        ? expander.expand(expanded, raw)
        : expander.expandSpecifiers(expanded, raw);
    if (value.ok) {
      for (const text of value.words) {
        size += text.length;
        words.push({ text, raw, ...(value.isPrivate ? { isPrivate: true } : {}) });
      }
      if (size <= longestCommandLine) continue;
      words.push({ text: '$', raw, fault: tooLong, several: true });
      break;
    }
    const several = value.fault.code === 'variable' && /^\$[^{$]/.test(raw);
    words.push({ text: raw, raw, fault: value.fault, several });
  }
  return words;
}

const tooLong: Fault = {
  code: 'command-line',
  message: 'expected a command line that the kernel takes, found one of more than 6 MiB',
  hint: 'shorten it',
};
