import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { systemErrorCode } from '../../common/errors.ts';
import type { Report } from '../../lifecycle/events.ts';
import { CliError } from '../errors.ts';
import { beforeEnd, endingAtOnce } from '../signals.ts';
import { mayBeTerminal } from '../standard-streams.ts';
import { isJournal, journalProgress } from './journal-progress.ts';
import { jsonProgress } from './json-progress.ts';
import { plainProgress } from './plain-progress.ts';
import { lineOf, type Progress } from './progress-lines.ts';
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
  return leavingCleanly(progressOf(mode, fd, environment));
}

/** Tells the renderer when a signal ends a command that fetches. */
function leavingCleanly(progress: Progress): Progress {
  if (progress.interrupted === undefined) return progress;
  let takeBack: (() => void) | undefined;
  return {
    ...progress,
    report: (event) => {
      if (event.event === 'fetch-started') takeBack ??= beforeEnd(() => progress.interrupted?.());
      progress.report(event);
    },
    end: () => {
      takeBack?.();
      progress.end();
    },
  };
}

function progressOf(mode: ProgressMode, fd: number, environment: NodeJS.ProcessEnv): Progress {
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
      return jsonProgress(write);
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
 * accept. It waits for the reader of a pipe or socket that makes its writers wait.
 */
function quietWriter(fd: number): (text: string) => void {
  const write = writerTo(fd);
  let isOpen = true;
  return (text) => {
    if (!isOpen) return;
    try {
      write(Buffer.from(text));
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') isOpen = false;
    }
  };
}

/** Writes in such a way that signals end berth while a reader lets it wait. */
function writerTo(fd: number): (bytes: Buffer) => void {
  const stats = fstatSync(fd);
  // Nothing tells whether a socket takes bytes at once.
  if (stats.isSocket()) return (bytes) => endingAtOnce(() => writeAll(fd, bytes));
  if (!stats.isFIFO() && !stats.isCharacterDevice()) return (bytes) => writeAll(fd, bytes);
  const atOnce = writerAtOnce(fd);
  return (bytes) => {
    const rest = atOnce(bytes);
    if (rest.length > 0) endingAtOnce(() => writeAll(fd, rest));
  };
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
}

/** Writes what a pipe or a terminal takes without a wait, and returns the rest. */
function writerAtOnce(fd: number): (bytes: Buffer) => Buffer {
  let own: number | undefined;
  return (bytes) => {
    try {
      own ??= openedAgain(fd);
      return bytes.subarray(writeSync(own, bytes));
    } catch (error) {
      if (own === undefined || systemErrorCode(error) === 'EAGAIN') return bytes;
      throw error;
    }
  };
}

/** A pipe or terminal without waits. The flag can't be set for the descriptor itself, which other processes share. */
function openedAgain(fd: number): number {
  // A descriptor that is only for reading must stay so: this write fails.
  writeSync(fd, Buffer.alloc(0));
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
}
