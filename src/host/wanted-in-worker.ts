import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Wanted, type WantedOptions, wantedOf } from '../binding/wanted.ts';
import { unpacked, type WantedMessage } from '../binding/wanted-message.ts';
import { type allConcealed, concealAll } from '../common/concealed.ts';
import { BerthError } from '../common/errors.ts';
import type { DirectoriesConfig } from '../deployment/directories.ts';
import type { Root } from '../root/root.ts';

/** Which root a worker reads, and how it opens the root. */
export interface WantedRequest {
  readonly location: string;
  /** The deployment whose tree it is: that opens as it will be when it is booted. */
  readonly deployment?: {
    readonly id: string;
    readonly directories: DirectoriesConfig | undefined;
  };
  readonly options: WantedOptions;
}

/** The result of a worker, and the texts that it has concealed. */
export type WantedAnswer = { readonly concealed: ReturnType<typeof allConcealed> } & (
  | { readonly wanted: WantedMessage }
  | { readonly error: Pick<BerthError, 'code' | 'message' | 'hint' | 'kind'> }
);

/**
 * As `wantedOf`, in a thread of its own, for a process that has other things to do meanwhile: a big
 * root takes a second of reading, all of it by synchronous calls.
 *
 * @param root is open here as well: the images that it ships are read from it later.
 * @throws {BerthError} what `wantedOf` throws, by its code; the signal's reason.
 */
export async function wantedInWorker(
  root: Root,
  request: Omit<WantedRequest, 'location'>,
  signal: AbortSignal,
): Promise<Wanted> {
  const directory: string | undefined = import.meta.dirname;
  // The bundle is one file, and a single executable has no files: there it is read in this thread.
  if (directory === undefined) return wantedOf(root, request.options);
  const answer = await ask(
    join(directory, 'wanted-worker.ts'),
    { ...request, location: root.location },
    signal,
  );
  if (!concealAll(answer.concealed)) throw tooMuchConcealed(root.location);
  if ('wanted' in answer) return unpacked(answer.wanted, root);
  const { code, message, ...rest } = answer.error;
  throw new BerthError(code, message, rest);
}

function ask(program: string, request: WantedRequest, signal: AbortSignal): Promise<WantedAnswer> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, { workerData: request, execArgv: [] });
    const end = () => void worker.terminate();
    signal.addEventListener('abort', end);
    worker.once('message', resolve).once('error', reject);
    worker.once('exit', (code) => {
      signal.removeEventListener('abort', end);
      // Says nothing to whom has been answered.
      reject(signal.aborted ? signal.reason : new Error(`the worker ended with ${code}`));
    });
  });
}

/** A root has more private values than can be concealed. */
type WorkerErrorCode = 'too-many-private';

function tooMuchConcealed(location: string): BerthError {
  return new BerthError<WorkerErrorCode>(
    'too-many-private',
    `${location}: it has more private values than berth can keep out of messages`,
    { hint: 'let units take less from files that not everybody may read' },
  );
}
