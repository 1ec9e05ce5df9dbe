import { fstatSync, writeSync } from 'node:fs';
import { BerthError, systemErrorCode } from '../../common/errors.ts';
import type { Report } from '../../lifecycle/events.ts';
import { plainProgress } from './plain-progress.ts';
import { lineOf, type Progress } from './progress-lines.ts';
import { eventJson } from './shown.ts';
import { terminalProgress } from './terminal-progress.ts';

const STANDARD_ERROR = 2;

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json' | 'none';

/** @param fd where to write; 2, standard error, by default. */
export function openProgress(mode: ProgressMode, fd: number): Progress {
  checkOpen(fd);
  const write = quietWriter(fd);
  switch (mode) {
    case 'auto':
      return process.stderr.isTTY && fd === 2 ? terminalProgress(write) : plainProgress(write);
    case 'tty':
      return terminalProgress(write);
    case 'plain':
      return plainProgress(write);
    case 'json':
      // Progress ends up in journals and logs: names are shown there as in messages.
      return { report: (event) => write(`${eventJson(event)}\n`), end: () => undefined };
    case 'none':
      return { report: warnOnly(quietWriter(STANDARD_ERROR)), end: () => undefined };
  }
}

/** A warning is no progress: what it says, the result does not. */
function warnOnly(write: (text: string) => void): Report {
  return (event) => {
    if (event.event === 'warning') write(`${lineOf(event)}\n`);
  };
}

/** @throws {BerthError} `usage` for a descriptor that is not open. */
function checkOpen(fd: number): void {
  try {
    fstatSync(fd);
  } catch {
    throw new BerthError('usage', `--progress-fd ${fd}: no such descriptor is open`, {
      hint: `open it: \`berth … --progress-fd ${fd} ${fd}>file\``,
      kind: 'usage',
    });
  }
}

/** Progress is no reason to fail: a reader that is gone is written to no more, a full pipe is skipped. */
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
