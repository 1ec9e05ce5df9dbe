import { spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';
import { dieBy } from './signals.ts';

/**
 * Ends berth by SIGPIPE as soon as nobody reads the pipe that is its standard output, for a command that may have
 * nothing to write for long. Node can't wait for a reader to go; `tail -f` of GNU does, and ends with berth at the
 * latest. Where another tail lacks `--pid`, berth ends with its next write.
 *
 * @returns a function that ends the waiting.
 */
export function endWithReader(): () => void {
  if (!fstatSync(1).isFIFO()) return () => undefined;
  const child = spawn('tail', [`--pid=${process.pid}`, '-f', '/dev/null'], {
    stdio: ['ignore', 1, 'ignore'],
  });
  child.on('error', () => undefined);
  child.on('exit', (_code, signal) => {
    if (signal === 'SIGPIPE') dieBy(signal);
  });
  child.unref();
  return () => void child.kill();
}
