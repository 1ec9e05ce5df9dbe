import { BerthError } from '../common/errors.ts';

export type DeploymentErrorCode =
  /** An updater can't tell which roots live. */
  | 'deployments'
  /** The tree of a deployment can't be read as it will be booted. */
  | 'unreadable-root'
  /** `--into` names no OS that can be staged. */
  | 'install-target';

/** The error of an updater that can't tell which roots live. */
export function cantTell(
  updater: string,
  message: string,
  hint: string,
  cause?: unknown,
): BerthError<DeploymentErrorCode> {
  return new BerthError<DeploymentErrorCode>('deployments', `${updater}: ${message}`, {
    hint,
    cause,
  });
}

export function unreadableRoot(
  id: string,
  message: string,
  hint: string,
  cause?: unknown,
): BerthError<DeploymentErrorCode> {
  return new BerthError<DeploymentErrorCode>(
    'unreadable-root',
    `the root ${id} can't be read: ${message}`,
    {
      hint,
      cause,
    },
  );
}
