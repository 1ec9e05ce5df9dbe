import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { makeDirectory } from '../../../common/make-directory.ts';
import { EngineError } from '../../errors.ts';

/** Where the system's podman has its storage with a cache beside it, and what ends with a boot. */
const CONTAINERS = '/var/lib/containers';
const STORAGE = `${CONTAINERS}/storage`;
const RUN_ROOT = '/run/containers/storage';
const TEMPORARY = '/run/libpod';

/** In which podman keeps its locks, by number. */
const SHARED_MEMORY = '/dev/shm';

/** The end of what a program says, in bytes. */
const MAX_WORDS = 4096;

/** Where a podman must run to see the storage of a target as its own. */
export interface TargetStorage {
  /** The command line of podman, without its command. */
  readonly podman: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * Shows a target's storage at the place where the target itself will have it, to podman alone: its
 * database holds the paths, and podman refuses one whose paths are not its own. What belongs to a
 * running system is kept apart in the same way.
 *
 * The mounts are in a namespace of their own, held by a process that ends with this one, and go
 * with the last process in it.
 *
 * @param storage `var/lib/containers/storage` of the target, as it lies here.
 * @throws {EngineError} `engine-failed` if this is not root, or util-linux is not there.
 */
export async function openTargetStorage(storage: string): Promise<TargetStorage> {
  for (const path of [CONTAINERS, RUN_ROOT, TEMPORARY]) makeMountPoint(path);
  // `cat` says that it runs, and ends with the pipe to it, whatever becomes of berth.
  const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A Ctrl-C is for berth.
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
  // The process may be gone already: its exit tells.
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
    `the target's storage can't be shown to podman: ${words}`,
    {
      hint: 'run berth as root, with util-linux; `--engine store` needs neither, but then the target has to use that as well',
      cause,
    },
  );
}
