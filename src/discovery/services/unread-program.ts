import type { Fault } from '../problem.ts';
import { seemsToStart } from './mentions.ts';
import type { Word } from './words.ts';

/** Whether the words of a command line probably start containers. */
export function mentionsContainers(words: readonly Word[]): boolean {
  return seemsToStart(words.map(({ text }) => text).join(' '));
}

/** The fault of a program that runs a command in a way that berth does not follow. */
export function unreadProgram(name: string): Fault {
  return {
    code: 'command-line',
    message: `expected a command that berth reads, found one that ${name} runs, perhaps in another root, namespace or host`,
    hint: 'call podman in ExecStart= itself, or write the image in a Quadlet unit',
  };
}
