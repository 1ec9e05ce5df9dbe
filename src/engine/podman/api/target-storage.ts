import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { makeDirectory } from '../../../common/files/make-directory.ts';
import { EngineError } from '../../errors.ts';

/**
 * The storage of the system's podman with a cache beside it, and the directories of files that end with a
 * boot.
 */
const CONTAINERS = '/var/lib/containers';
const STORAGE = `${CONTAINERS}/storage`;
const RUN_ROOT = '/run/containers/storage';
const TEMPORARY = '/run/libpod';

/** The directory where podman keeps its locks, by number. */
const SHARED_MEMORY = '/dev/shm';

/** In bytes: the last part of a program's output, kept to explain a failure. */
const MAX_WORDS = 4096;

/** How to run a podman that sees the target's storage as its own. */
export interface TargetStorage {
  /** podman's command line, up to its command. */
  readonly podman: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * Mounts a target's storage at its final path, visible to podman alone: podman's database holds paths, and
 * podman refuses a database whose paths are not its own. The runtime files of the running system's podman
 * are kept apart in the same way.
 *
 * The mounts live in a namespace of their own. A process that ends with berth holds it, and it goes with
 * the last process in it.
 *
 * @param storage the target's `var/lib/containers/storage`, by its path in the running system.
 * @throws {EngineError} `engine-failed` if the caller is not root, or if util-linux is missing.
 */
export async function openTargetStorage(storage: string): Promise<TargetStorage> {
  for (const path of [CONTAINERS, RUN_ROOT, TEMPORARY]) makeMountPoint(path);
  // `cat` echoes a line to show that it runs, and ends with its pipe, whatever becomes of berth.
  const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C must reach only berth.
    detached: true,
  });
  const close = () => end(holder);
  try {
    await answering(holder);
    const enter = ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--'];
    await run([...enter, 'mount', '--bind', '--', dirname(storage), CONTAINERS]);
    for (const path of [RUN_ROOT, TEMPORARY, SHARED_MEMORY]) {
      await run([...enter, 'mount', '-t', 'tmpfs', 'tmpfs', path]);
    }
    const paths = ['--root', STORAGE, '--runroot', RUN_ROOT, '--tmpdir', TEMPORARY];
    return { podman: [...enter, 'podman', ...paths], close };
  } catch (error) {
    await close();
    throw error;
  }
}

function makeMountPoint(path: string): void {
  try {
    makeDirectory(path, 0o755);
  } catch (error) {
    throw failed(`can't make ${path}, over which its storage is to be mounted`, error);
  }
}

async function answering(holder: ChildProcess): Promise<void> {
  const words = wordsOf(holder);
  const answered = Promise.withResolvers<string | undefined>();
  holder.once('error', (error) => answered.resolve(error.message));
  holder.once('close', () => answered.resolve(words()));
  holder.stdout?.once('data', () => answered.resolve(undefined));
  // The process may already be gone: its exit is reported.
  holder.stdin?.on('error', () => undefined).write('\n');
  const wrong = await answered.promise;
  if (wrong !== undefined) throw failed(`unshare --mount: ${wrong}`);
}

async function run([program = '', ...words]: readonly string[]): Promise<void> {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const said = wordsOf(child);
  const ended = Promise.withResolvers<string | undefined>();
  child.once('error', (error) => ended.resolve(error.message));
  child.once('close', (code) => ended.resolve(code === 0 ? undefined : said()));
  const wrong = await ended.promise;
  if (wrong !== undefined) throw failed(`${[program, ...words].join(' ')}: ${wrong}`);
}

async function end(holder: ChildProcess): Promise<void> {
  if (holder.pid === undefined || holder.exitCode !== null || holder.signalCode !== null) return;
  const exited = once(holder, 'exit');
  holder.stdin?.end();
  await exited;
}

function wordsOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-MAX_WORDS);
  });
  return () => text.trim() || 'it said nothing';
}

function failed(words: string, cause?: unknown): EngineError {
  return new EngineError(
    'engine-failed',
    `the target's storage can't be mounted for podman: ${words}`,
    {
      hint: 'run berth as root, with util-linux; `--engine store` needs neither, but then the target must use the store too',
      cause,
    },
  );
}
