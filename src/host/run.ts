import { beginConcealing } from '../common/concealed.ts';
import type { LastingRegistry } from '../registry/when-needed.ts';

/**
 * Does the work as one run of a process that makes many. The run starts without anything learned about
 * registries in earlier runs, and the texts that it conceals are forgotten when it and all overlapping runs
 * have ended.
 */
export async function asRun<T>(
  { registry }: { readonly registry: Pick<LastingRegistry, 'beginRun'> },
  work: () => Promise<T>,
): Promise<T> {
  const concealing = beginConcealing();
  registry.beginRun();
  try {
    return await work();
  } finally {
    concealing.end();
  }
}
