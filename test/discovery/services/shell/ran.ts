import { readFileSync } from 'node:fs';
import type { Word } from '../../../../src/discovery/services/words.ts';

/** Whether a command that a shell ran is one that was found. */
export function isFound(ran: readonly string[], found: readonly Word[]): boolean {
  const [first, ...rest] = found;
  if (first === undefined) return ran.length === 0;
  if (first.fault !== undefined && first.several === true) {
    for (let count = 0; count <= ran.length; count++) {
      if (isFound(ran.slice(count), rest)) return true;
    }
    return false;
  }
  const isSame = first.fault !== undefined || first.text === ran[0];
  return ran.length > 0 && isSame && isFound(ran.slice(1), rest);
}

/** The commands that a shell wrote into a file, as the number of words and the words. */
export function logged(log: string): string[][] {
  let fields: string[];
  try {
    fields = readFileSync(log, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
  const commands: string[][] = [];
  for (let at = 0; at < fields.length; ) {
    const count = Number(fields[at]);
    commands.push(fields.slice(at + 1, at + 1 + count));
    at += 1 + count;
  }
  return commands;
}
