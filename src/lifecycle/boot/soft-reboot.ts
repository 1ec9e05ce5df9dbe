import { BerthError } from '../../common/errors.ts';
import type { NextRoot } from '../../deployment/next-root.ts';
import type { Context } from '../context.ts';
import { findingsOn, isMissing, isUnseen } from './findings.ts';

/**
 * What has to be said of the root that a soft reboot enters, which nothing can hold. A failure is said, not
 * thrown: the gate may hold the queued root by then, and has to tell so.
 *
 * @param nextRoot finds the root that is prepared.
 * @returns undefined if none of its images is known to be missing, or no soft reboot is prepared.
 */
export async function softRebootWarning(
  context: Context,
  nextRoot: () => NextRoot | undefined,
): Promise<string | undefined> {
  let root = '/run/nextroot';
  try {
    const next = nextRoot();
    if (next === undefined) return undefined;
    root = next.id ?? root;
    const found = await saidOf(context, next.id);
    return found === undefined ? undefined : warningOf(root, found);
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    return warningOf(root, `it can't be looked at: ${error.message}`);
  }
}

function warningOf(root: string, found: string): string {
  return `a soft reboot enters ${root}, whatever this gate holds: ${found}`;
}

async function saidOf(context: Context, id: string | undefined): Promise<string | undefined> {
  if (id === undefined) return 'it is none of the deployments, and NOT known to be ready';
  const found = await findingsOn(context, id);
  if (found === undefined) return 'it was never staged here, and is NOT known to be ready';
  const [missing, ...more] = found.filter(isMissing).map(({ message }) => message);
  if (missing !== undefined) {
    const others = more.length === 0 ? '' : `, and ${more.length} more`;
    return `it is NOT ready: ${missing}${others}`;
  }
  return found.some(isUnseen) ? 'not all of its images can be looked at' : undefined;
}
