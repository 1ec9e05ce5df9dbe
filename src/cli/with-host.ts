import { BerthError } from '../common/errors.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { type Host, openHost } from '../host/host.ts';
import type { HostOptions } from '../host/options.ts';
import { withRoot } from '../host/root.ts';
import type { Root } from '../root/root.ts';
import { suitReading } from './heap.ts';
import { type HostFlags, hostOptions } from './options.ts';
import { openProgress } from './render/progress.ts';
import { endingSignal } from './signals.ts';

/**
 * Opens this host for a command, and closes it in any case. Progress is reported where the flags say.
 *
 * @param more options that the command itself sets.
 * @param progress the renderer, if the command has one of its own.
 */
export async function withHost<T>(
  flags: HostFlags,
  work: (host: Host) => Promise<T>,
  more: Pick<
    HostOptions,
    'alone' | 'lockPatience' | 'obeysRetryTimes' | 'remembersNames' | 'opensNoImages'
  > = {},
  progress = openProgress(flags.progress, flags.progressFd),
): Promise<T> {
  const { report } = progress;
  const host = openHost(
    { ...hostOptions(flags), ...more },
    { report, signal: endingSignal(), environment: process.env },
  );
  try {
    return await work(host);
  } finally {
    try {
      await host.close();
    } finally {
      progress.end();
    }
  }
}

/** Opens ROOT as `withRoot` of the host does, with a heap that suits reading a large tree. */
export async function reading<T>(
  host: Host,
  spec: string | undefined,
  work: (root: Root, deployment: Deployment | undefined) => Promise<T>,
): Promise<T> {
  suitReading();
  return withRoot(host, spec, work);
}

/**
 * For commands that answer whether a root is ready, with 0 or 3: if they can't tell, they exit with 1,
 * whatever the reason.
 */
export async function answeringYesOrNo(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof BerthError) || error.kind === 'usage') throw error;
    throw new BerthError(error.code, error.message, { hint: error.hint, cause: error });
  }
}
