import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Machine, main } from './berth.ts';

/** A system call that succeeded. Between `start` and `end` others of other threads may lie. */
export interface SystemCall {
  readonly name: string;
  /** As strace writes them, descriptors with their path: `21</var/lib/berth/lock>`. */
  readonly words: string;
  readonly start: number;
  readonly end: number;
}

/** Those by which files change, get to disk, and are asked of engines. */
const TRACED = [
  'fsync,fdatasync,sync_file_range,sync,syncfs',
  'write,pwrite64,writev,pwritev,ftruncate',
  '?rename,?renameat,renameat2,?unlink,unlinkat,?mkdir,mkdirat,?link,linkat',
].join(',');

/** Runs berth under strace. @returns its system calls, in the order in which they began. */
export async function traceBerth(
  { directory, environment }: Machine,
  ...words: string[]
): Promise<readonly SystemCall[]> {
  const log = join(directory, 'strace.log');
  const options = ['-f', '-y', '-qq', '-s', '65536', '-e', `trace=${TRACED}`, '-o', log, '--'];
  const child = spawn('strace', [...options, process.execPath, main, ...words], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`berth ${words.join(' ')} exited with ${code}: ${stderr}`);
  return parseTrace(readFileSync(log, 'utf8'));
}

function parseTrace(text: string): readonly SystemCall[] {
  const begun = new Map<string, { readonly text: string; readonly start: number }>();
  const calls: SystemCall[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/s.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/s.exec(rest)?.[1];
    if (unfinished !== undefined) {
      begun.set(thread, { text: unfinished, start: at });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(rest)?.[1];
    const before = resumed === undefined ? undefined : begun.get(thread);
    const whole = resumed === undefined ? rest : `${before?.text ?? ''}${resumed}`;
    const call = /^(\w+)\((.*)\) += (\d+)/s.exec(whole);
    if (call === null) continue;
    const [, name = '', words = ''] = call;
    calls.push({ name, words, start: before?.start ?? at, end: at });
  }
  return calls.sort((a, b) => a.start - b.start);
}
