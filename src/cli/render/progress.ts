import { writeSync } from 'node:fs';
import { plainProgress } from './plain-progress.ts';
import type { Progress } from './progress-lines.ts';
import { terminalProgress } from './terminal-progress.ts';

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json' | 'none';

/** @param fd where to write; 2, standard error, by default. */
export function openProgress(mode: ProgressMode, fd: number): Progress {
  const write = (text: string) => void writeSync(fd, text);
  switch (mode) {
    case 'auto':
      return process.stderr.isTTY && fd === 2 ? terminalProgress(write) : plainProgress(write);
    case 'tty':
      return terminalProgress(write);
    case 'plain':
      return plainProgress(write);
    case 'json':
      return { report: (event) => write(`${JSON.stringify(event)}\n`), end: () => undefined };
    case 'none':
      return { report: () => undefined, end: () => undefined };
  }
}
