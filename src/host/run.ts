import { beginConcealing } from '../common/concealed.ts';
import type { LastingRegistry } from '../registry/when-needed.ts';

/**
 * Does the work as one run of a process that makes many: it starts without what registries have shown
 * to earlier runs, and what it conceals is forgotten when it and the runs beside it have ended. Runs
 * may overlap.
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
