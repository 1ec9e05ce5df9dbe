import type { Caller } from './caller.ts';
import { other, type ReadCommand } from './read-command.ts';
import { mentionsContainers, unreadProgram } from './unread-program.ts';
import type { Word } from './words.ts';

export const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh']);

/** The script or the file that a shell runs. */
export function shellCommand(shell: Word, args: readonly Word[], caller: Caller): ReadCommand {
  let stopsAtFailure = false;
  let isScript = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (word === undefined || (word.several === true && word.fault !== undefined)) {
      return mentionsContainers(args) ? { kind: 'fault', fault: unreadProgram('a shell') } : other;
    }
    const { text } = word;
    const isOption = /^[-+][A-Za-z]+$/.test(text) || text.startsWith('--');
    if (!isOption || text === '--') {
      const rest = args.slice(at + (text === '--' ? 1 : 0));
      const [script, ...others] = rest;
      if (script === undefined) break;
      if (!isScript) return { kind: 'file', words: rest, stopsAtFailure, reader: 'shell', caller };
      const named = others.length === 0 ? [shell] : others;
      return { kind: 'shell', script, args: named, stopsAtFailure, caller };
    }
    if (text.startsWith('--')) {
      if (text === '--rcfile' || text === '--init-file') at++;
      continue;
    }
    if (/[oO]$/.test(text)) {
      if (text.startsWith('-') && args[at + 1]?.text === 'errexit') stopsAtFailure = true;
      at++;
    }
    if (!text.startsWith('-')) continue;
    if (text.includes('e')) stopsAtFailure = true;
    if (text.includes('c')) isScript = true;
    // The words behind `-s` are arguments.
    if (text.includes('s')) return { kind: 'shell', args: [shell], stopsAtFailure, caller };
  }
  return { kind: 'shell', args: [shell], stopsAtFailure, caller };
}
