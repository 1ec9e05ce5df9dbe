import { fstatSync, writeSync } from 'node:fs';
import { systemErrorCode } from '../../common/errors.ts';
import type { Report } from '../../lifecycle/events.ts';
import { CliError } from '../errors.ts';
import { mayBeTerminal } from '../standard-streams.ts';
import { isJournal, journalProgress } from './journal-progress.ts';
import { plainProgress } from './plain-progress.ts';
import { lineOf, type Progress } from './progress-lines.ts';
import { eventJson } from './shown.ts';
import { terminalProgress } from './terminal-progress.ts';

const STANDARD_ERROR = 2;

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json' | 'none';

/**
 * @param fd the open descriptor to write to.
 * @param environment tells whether that is the journal, for a command whose lines have priorities there.
 */
export function openProgress(
  mode: ProgressMode,
  fd: number,
  environment: NodeJS.ProcessEnv = {},
): Progress {
  checkOpen(fd);
  const write = quietWriter(fd);
  switch (mode) {
    case 'auto':
      if (isJournal(fd, environment)) return journalProgress(write);
      return isTerminal(fd) ? terminalProgress(write) : plainProgress(write);
    case 'tty':
      return terminalProgress(write);
    case 'plain':
      return plainProgress(write);
    case 'json':
      // Progress ends up in journals and logs, so its image names are concealed as in messages.
      return { report: (event) => write(`${eventJson(event)}\n`), end: () => undefined };
    case 'none':
      return { report: warnOnly(quietWriter(STANDARD_ERROR)), end: () => undefined };
  }
}

/** Reports only warnings. They are not progress, and the result does not repeat them. */
function warnOnly(write: (text: string) => void): Report {
  return (event) => {
    if (event.event === 'warning') write(`${lineOf(event)}\n`);
  };
}

/** Whether a descriptor is standard error, and a terminal. */
function isTerminal(fd: number): boolean {
  return fd === STANDARD_ERROR && mayBeTerminal(fd) && process.stderr.isTTY;
}

/** @throws {CliError} `usage` for a descriptor that is not open. */
function checkOpen(fd: number): void {
  try {
    fstatSync(fd);
  } catch {
    throw new CliError('usage', `--progress-fd ${fd}: no such descriptor is open`, {
      hint: `open it: \`berth … --progress-fd ${fd} ${fd}>file\``,
    });
  }
}

/**
 * A writer that never fails: it gives up when the reader is gone, and skips text that a full pipe does not
 * accept.
 */
function quietWriter(fd: number): (text: string) => void {
  let isOpen = true;
  return (text) => {
    if (!isOpen) return;
    try {
      writeSync(fd, text);
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') isOpen = false;
    }
  };
}
