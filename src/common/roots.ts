/** Names for the deployment that has a role at the moment. No root can have such an id. */
export const deploymentNames = ['booted', 'staged', 'rollback'] as const;

/** The readers that know deployments. */
export const updaters = ['bootc', 'ostree', 'directories'] as const;

/** The roles of deployments on the running system. */
export const roles = ['booted', 'staged', 'rollback', 'pinned', 'other'] as const;

/**
 * Whether the text can be the id of a root, or of pins made by hand. An id becomes a file name, and comes
 * from labels that anybody may write. So it must not lead out of a directory, be a hidden file, or
 * contain characters that are not printable.
 */
export function isRootId(text: string): boolean {
  return (
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/.test(text) &&
    !deploymentNames.some((name) => name === text)
  );
}

/**
 * Checks an id a last time before it becomes part of a path. Callers have checked the id where it came in.
 *
 * @throws {Error} if a caller did not; that is a bug in berth.
 */
export function assertRootId(id: string): void {
  if (!isRootId(id)) throw new Error(`${JSON.stringify(id)} came so far and is no id of a root`);
}
